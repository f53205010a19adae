// Bytes, sectors and DRAM traffic of a block's accesses to global memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <list>
#include <unordered_map>
#include <vector>

#include "emulation/control.h"

namespace grpo4j::emulation {

constexpr uint32_t kSectorBytes = 32;

// Adds every count.
void add(grpo4j_emulation_counters& sum, const grpo4j_emulation_counters& more);

// The part of the L2 that a resident block has for itself.
struct DeviceMemoryModel {
  int64_t l2_bytes_per_block = 0;
};

// Sectors by last use; counts what has to come from or go to DRAM.
class SectorCache {
 public:
  void begin(int64_t capacity_sectors);
  void touch(uint64_t sector, bool write, grpo4j_emulation_counters& counters);
  // Writes dirty sectors back.
  void finish(grpo4j_emulation_counters& counters);

 private:
  struct Entry {
    uint64_t sector;
    bool dirty;
  };
  int64_t capacity_ = 0;
  std::list<Entry> by_use_;  // the latest first
  std::unordered_map<uint64_t, std::list<Entry>::iterator> entries_;
};

// The accesses of one block. The n-th execution of an instruction by each lane of a warp is one
// warp-wide access; between two barriers those are put into the order in which a warp issues them,
// all warps in step, whatever order the schedule ran them in.
class BlockTrace {
 public:
  void begin(uint32_t threads, int64_t l2_bytes);
  void add(uint32_t thread, const void* site, uint64_t address, uint32_t bytes, bool write);
  // At a barrier of the block: what comes later happens later.
  void flush();
  void finish();
  const grpo4j_emulation_counters& counters() const { return counters_; }

 private:
  struct Site {
    const void* site;
    uint32_t executions;
  };
  struct Lane {
    uint32_t accesses = 0;
    std::vector<Site> sites;
  };
  struct WarpAccess {
    uint32_t warp;
    uint32_t order;  // the access's number since the barrier
    uint64_t first_address;
    uint32_t bytes = 0;
    uint32_t bytes_per_lane = 0;
    bool write = false;
    std::vector<uint64_t> sectors;
  };
  struct Key {
    uint32_t warp;
    uint32_t execution;
    const void* site;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };

  std::vector<Lane> lanes_;
  std::vector<WarpAccess> accesses_;
  std::unordered_map<Key, uint32_t, KeyHash> index_;
  SectorCache cache_;
  grpo4j_emulation_counters counters_{};
};

}  // namespace grpo4j::emulation
