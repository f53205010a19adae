// The checks of cuda_kernels_test that have a file of their own.
#pragma once

void check_token_stats(bool small);
void check_shards(bool small);
void check_bad_rows();
void check_bad_calls();
void check_group_advantages();
void check_token_weights();
void check_traffic();
