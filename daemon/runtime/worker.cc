#include "daemon/runtime/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace pamcognito::runtime {

Worker::Worker(EventLoop& loop, std::size_t max_waiting)
    : max_waiting_(max_waiting), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  watch_.emplace(loop, wake_.get(), static_cast<std::uint32_t>(EPOLLIN),
                 [this](std::uint32_t) { deliver(); });
  // Signals are the loop's: the thread inherits a mask that blocks them all.
  sigset_t all;
  sigset_t before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { thread_main(); });
  (void)pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  work_there_.notify_one();
  thread_.join();
}

bool Worker::enqueue(std::function<void()> work, std::function<void()> report) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= max_waiting_) return false;
    waiting_.push_back({std::move(work), std::move(report)});
  }
  work_there_.notify_one();
  return true;
}

void Worker::thread_main() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_there_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job.work();
    job.work = nullptr;
    lock.lock();
    finished_.push_back(std::move(job.report));
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }
}

void Worker::deliver() {
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
  std::deque<std::function<void()>> reports;
  {
    const std::lock_guard lock(mutex_);
    reports.swap(finished_);
  }
  for (const auto& report : reports) report();
}

}  // namespace pamcognito::runtime
