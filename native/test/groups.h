// The command line of a test program: [--small] [--stop] [--seed n] [group ...].
#pragma once

#include <algorithm>
#include <functional>
#include <set>

#include "expect.h"

struct Group {
  const char* name;
  std::function<void()> run;
};

struct TestOptions {
  bool small = false;             // shapes for sanitizers and emulators, which are 20 times slower
  std::vector<std::string> only;  // groups; empty: all
};

// Names of all groups that run_groups was given.
inline std::set<std::string> known_groups;

inline TestOptions parse_options(int argc, char** argv) {
  TestOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--small") {
      options.small = true;
    } else if (argument == "--stop") {
      stop_at_failure = true;
    } else if (argument == "--seed" && i + 1 < argc) {
      test_seed = static_cast<uint32_t>(strtoul(argv[++i], nullptr, 10));
    } else {
      options.only.push_back(argument);
    }
  }
  return options;
}

inline void run_groups(const TestOptions& options, const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    known_groups.insert(group.name);
    const auto& only = options.only;
    if (!only.empty() && std::find(only.begin(), only.end(), group.name) == only.end()) continue;
    const int before = failures;
    group.run();
    printf("%s%s: %s\n", failure_context.c_str(), group.name,
           failures == before ? "done" : "FAILED");
    fflush(stdout);
  }
}

// 1 where a check failed or a group was asked for that there isn't: a mistyped name is no success.
inline int exit_status(const TestOptions& options) {
  for (const std::string& name : options.only) {
    if (known_groups.count(name) == 0) {
      printf("%s: no such group\n", name.c_str());
      return 1;
    }
  }
  return failures == 0 ? 0 : 1;
}
