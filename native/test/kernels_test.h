// The groups of kernels_test.
#pragma once

// Once: the same code whatever the ISA.
void check_objective();
void check_clip_edges();
void check_infinite_terms();
void check_group_advantages();
void check_token_weights();
void check_isa();
void check_refusals();
void check_part_refusals();
void check_threads();
void check_neighbours();

// On every ISA.
void check_simd();
void check_places();
void check_far_rows();
void check_shared_rows();
void check_shapes();
void check_ranges();
void check_options();
void check_mean_error();
void check_fused_objectives();
void check_optional_outputs();
void check_row_bits();
void check_token_stats();
void check_parts();
void check_bad_rows();
void check_bad_rows_of_threads();
void check_guard_pages();
void check_visits();
void check_concurrent_calls();
void check_memory();
