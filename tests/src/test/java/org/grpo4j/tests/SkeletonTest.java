package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class SkeletonTest {
  @Test
  void torchLoads() {
    try (Tensor t = torch.ones(2, 3)) {
      assertTrue(t.numel() == 6);
    }
  }
}
