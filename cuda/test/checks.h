// The checks of cuda_kernels_test that have a file of their own.
#pragma once

void check_token_stats(bool small);
void check_shards(bool small);
void check_bad_rows();
void check_bad_calls();
void check_group_advantages();
void check_token_weights();
void check_plans();
void check_enqueued();
void check_devices();
void check_far_rows();
void check_lists();
void check_host(bool small);
void check_traffic();
void check_large();

// Parts of check_host that stand beside the checks on the device.
void check_token_stats_on_host(bool small);
void check_shards_on_host(bool small);
void check_group_advantages_on_host();
void check_token_weights_on_host();
