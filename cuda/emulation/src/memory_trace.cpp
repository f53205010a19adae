#include "memory_trace.h"

#include <algorithm>

namespace grpo4j::emulation {

void add(grpo4j_emulation_counters& sum, const grpo4j_emulation_counters& more) {
  using Field = int64_t grpo4j_emulation_counters::*;
  using C = grpo4j_emulation_counters;
  constexpr Field kFields[] = {
      &C::launches, &C::blocks, &C::barriers, &C::warp_operations, &C::atomics, &C::allocations,
      &C::synchronizations, &C::bytes_loaded, &C::bytes_stored, &C::sector_bytes_loaded,
      &C::sector_bytes_stored, &C::accesses, &C::wide_accesses, &C::dram_bytes_read,
      &C::dram_bytes_written};
  static_assert(sizeof kFields + sizeof(C::most_shared_bytes) == sizeof(C) &&
                sizeof kFields[0] == sizeof(int64_t));
  for (Field field : kFields) sum.*field += more.*field;
  sum.most_shared_bytes = std::max(sum.most_shared_bytes, more.most_shared_bytes);
}

void SectorCache::begin(int64_t capacity_sectors) {
  capacity_ = std::max<int64_t>(1, capacity_sectors);
  by_use_.clear();
  entries_.clear();
}

void SectorCache::touch(uint64_t sector, bool write, grpo4j_emulation_counters& counters) {
  const auto found = entries_.find(sector);
  if (found != entries_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    found->second->dirty |= write;
    return;
  }
  // A sector that is written need not be read first: the L2 keeps which of its bytes are valid.
  if (!write) {
    counters.dram_bytes_read += kSectorBytes;
  }
  by_use_.push_front({sector, write});
  entries_[sector] = by_use_.begin();
  if (static_cast<int64_t>(entries_.size()) > capacity_) {
    const Entry oldest = by_use_.back();
    if (oldest.dirty) {
      counters.dram_bytes_written += kSectorBytes;
    }
    entries_.erase(oldest.sector);
    by_use_.pop_back();
  }
}

void SectorCache::finish(grpo4j_emulation_counters& counters) {
  for (const Entry& entry : by_use_) {
    if (entry.dirty) {
      counters.dram_bytes_written += kSectorBytes;
    }
  }
  by_use_.clear();
  entries_.clear();
}

size_t BlockTrace::KeyHash::operator()(const Key& key) const {
  uint64_t h = reinterpret_cast<uintptr_t>(key.site) * 0x9e3779b97f4a7c15u;
  h ^= (uint64_t{key.warp} << 32 | key.execution) * 0xff51afd7ed558ccdu;
  return h ^ (h >> 29);
}

void BlockTrace::begin(uint32_t threads, int64_t l2_bytes) {
  lanes_.assign(threads, Lane());
  accesses_.clear();
  index_.clear();
  cache_.begin(l2_bytes / kSectorBytes);
  counters_ = {};
}

void BlockTrace::add(uint32_t thread, const void* site, uint64_t address, uint32_t bytes,
                     bool write) {
  Lane& lane = lanes_[thread];
  auto at = std::find_if(lane.sites.begin(), lane.sites.end(),
                         [site](const Site& s) { return s.site == site; });
  if (at == lane.sites.end()) {
    at = lane.sites.insert(lane.sites.end(), {site, 0});
  }
  const uint32_t warp = thread / 32;
  const uint32_t order = lane.accesses++;
  const auto [entry, is_new] =
      index_.try_emplace(Key{warp, at->executions++, site}, static_cast<uint32_t>(accesses_.size()));
  if (is_new) {
    accesses_.push_back({warp, order, address, 0, bytes, write, {}});
  }
  WarpAccess& access = accesses_[entry->second];
  access.order = std::min(access.order, order);
  // What all lanes read from one place is read once.
  if (is_new || address != access.first_address) {
    access.bytes += bytes;
  }
  for (uint64_t s = address / kSectorBytes; s <= (address + bytes - 1) / kSectorBytes; ++s) {
    if (std::find(access.sectors.begin(), access.sectors.end(), s) == access.sectors.end()) {
      access.sectors.push_back(s);
    }
  }
}

void BlockTrace::flush() {
  std::stable_sort(accesses_.begin(), accesses_.end(), [](const WarpAccess& a, const WarpAccess& b) {
    return a.order != b.order ? a.order < b.order : a.warp < b.warp;
  });
  for (WarpAccess& access : accesses_) {
    const int64_t sector_bytes = static_cast<int64_t>(access.sectors.size()) * kSectorBytes;
    ++counters_.accesses;
    counters_.wide_accesses += access.bytes_per_lane == 16;
    if (access.write) {
      counters_.bytes_stored += access.bytes;
      counters_.sector_bytes_stored += sector_bytes;
    } else {
      counters_.bytes_loaded += access.bytes;
      counters_.sector_bytes_loaded += sector_bytes;
    }
    for (uint64_t sector : access.sectors) {
      cache_.touch(sector, access.write, counters_);
    }
  }
  accesses_.clear();
  index_.clear();
  for (Lane& lane : lanes_) {
    lane.accesses = 0;
    lane.sites.clear();
  }
}

void BlockTrace::finish() {
  flush();
  cache_.finish(counters_);
}

}  // namespace grpo4j::emulation
