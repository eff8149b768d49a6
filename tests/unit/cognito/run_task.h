#pragma once

#include <systemd/sd-event.h>

#include <optional>
#include <utility>

#include "daemon/runtime/event_loop.h"

namespace pamcognito::test {

template <class T>
runtime::Task<void> keep_result(runtime::Task<T> task, std::optional<T>* result) {
  result->emplace(co_await std::move(task));
}

// Turns the loop until `condition` holds.
template <class Condition>
void run_until(runtime::EventLoop& loop, Condition condition) {
  while (!condition()) (void)sd_event_run(loop.get(), UINT64_MAX);
}

// Runs a task to its end and hands out what it gave.
template <class T>
T run_task(runtime::EventLoop& loop, runtime::Task<T> task) {
  std::optional<T> result;
  const auto spawned = loop.spawn(keep_result(std::move(task), &result));
  run_until(loop, [&] { return !spawned.running(); });
  return std::move(*result);
}

}  // namespace pamcognito::test
