package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.grpo4j.kernels.weight.Aggregation;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;

final class TrlLossTypeTest {
  @Test
  void trlsLossTypes() {
    assertEquals(new TrlLossType(Aggregation.TOKEN_MEAN, true), TrlLossType.named("bnpo"));
    assertEquals(new TrlLossType(Aggregation.TOKEN_MEAN, false), TrlLossType.named("dapo"));
    assertThrows(InputException.class, () -> TrlLossType.named("ppo"));
  }
}
