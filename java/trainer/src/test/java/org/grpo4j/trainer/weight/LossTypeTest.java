package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import org.grpo4j.kernels.weight.Aggregation;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;

final class LossTypeTest {
  @Test
  void eachHasTrlsAggregation() {
    assertEquals(Aggregation.SEQ_MEAN_TOKEN_MEAN, LossType.named("grpo").aggregation());
    assertEquals(Aggregation.TOKEN_MEAN, LossType.named("dapo").aggregation());
    assertEquals(Aggregation.SEQ_MEAN_TOKEN_SUM_NORM, LossType.named("dr_grpo").aggregation());
    assertEquals(Aggregation.SEQ_MEAN_TOKEN_SUM, LossType.named("luspo").aggregation());
    assertEquals(
        List.of(LossType.BNPO),
        Arrays.stream(LossType.values()).filter(LossType::perMicroBatch).toList());
  }

  @Test
  void anUnknownNameIsRefusedWithTheOthers() {
    InputException e = assertThrows(InputException.class, () -> LossType.named("ppo"));
    assertEquals(
        "unknown loss_type 'ppo'; there are [grpo, bnpo, dr_grpo, dapo, cispo, sapo, vespo, luspo,"
            + " gmpo, gpg]",
        e.getMessage());
  }
}
