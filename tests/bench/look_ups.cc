// bench_look_ups USERS: the medians of look-ups by the name service, in microseconds: a known name,
// an unknown one, the groups of a user. Names are user.0 to user.(USERS - 1), in an order without
// neighbours.

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace {

constexpr int kMost = 2000;
constexpr double kLongest = 3e6;  // of one kind of look-up, as some take milliseconds

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

template <class LookUp>
double median_of(LookUp look_up) {
  std::vector<double> samples;
  const double begin = now();
  for (int i = 0; i < kMost && now() - begin < kLongest; ++i) {
    const double start = now();
    look_up(i);
    samples.push_back(now() - start);
  }
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::ranges::nth_element(samples, middle);
  return *middle;
}

bool is_known(const std::string& name, uid_t* uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) *uid = entry.pw_uid;
  return found != nullptr;
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_look_ups: %s\n", what.c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const long users = argc == 2 ? ::atol(argv[1]) : 0;
  if (users < 1) return 2;
  const auto name = [&](long i) { return "user." + std::to_string((i + 1) * 7919 % users); };
  uid_t uid = 0;
  const double known = median_of([&](long i) {
    if (!is_known(name(i), &uid)) fail(name(i) + " is unknown");
  });
  const double unknown = median_of([&](long i) {
    if (is_known("nobody." + std::to_string(i), &uid)) fail("an unknown name is found");
  });
  const double groups = median_of([&](long i) {
    std::array<gid_t, 100> list{};
    int count = static_cast<int>(list.size());
    // Each user has two groups besides the own one.
    if (::getgrouplist(name(i).c_str(), 0x70000000U + static_cast<gid_t>((i + 1) * 7919 % users),
                       list.data(), &count) < 0 ||
        count != 3)
      fail(name(i) + " has " + std::to_string(count) + " groups");
  });
  std::printf("%.2f %.2f %.2f\n", known, unknown, groups);
  return 0;
}
