#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

namespace pamcognito::bench {
namespace {

constexpr int kPairs = 400;

struct Close {
  void operator()(FILE* pipe) const { (void)::pclose(pipe); }
};

std::vector<double> numbers_from_loader(const std::string& arguments) {
  const std::string command = std::string(PAM_COGNITO_BENCH_LOADER) + " " + arguments;
  const std::unique_ptr<FILE, Close> pipe(::popen(command.c_str(), "re"));
  std::vector<double> numbers;
  double number = 0;
  while (pipe && std::fscanf(pipe.get(), "%lf", &number) == 1) numbers.push_back(number);
  if (numbers.empty()) throw Failed(command + " printed nothing");
  return numbers;
}

double objects_of(const std::string& file) {
  return numbers_from_loader("count " + file).front();
}

}  // namespace

void measure_loading(Report* report, const std::string& fprintd) {
  const std::string module = PAM_COGNITO_BENCH_MODULE;
  const double of_libsystemd = objects_of("libsystemd.so.0");
  Row objects{.id = "shared_objects",
              .what = "shared objects that the module brings",
              .unit = "",
              .figure = objects_of(module)};
  objects.limit = of_libsystemd + 1;
  objects.budget = "≤ itself + libsystemd's " + std::to_string(static_cast<int>(of_libsystemd));
  if (!fprintd.empty()) {
    objects.reference = objects_of(fprintd);
    objects.reference_is = "Debian's pam_fprintd.so, counted the same way";
  }
  report->add(objects);

  if (fprintd.empty())
    throw Failed("there is no pam_fprintd.so to compare with; the first run needs the network");
  const auto numbers =
      numbers_from_loader("time " + module + " " + fprintd + " " + std::to_string(kPairs));
  std::vector<double> ours;
  std::vector<double> theirs;
  for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) {
    ours.push_back(numbers[i] / 1000);
    theirs.push_back(numbers[i + 1] / 1000);
  }
  if (ours.size() != kPairs) throw Failed("the loader ended early");
  Row time{.id = "dlopen",
           .what = "dlopen of the module",
           .unit = "ms",
           .decimals = 3,
           .figure = median(ours)};
  time.reference = median(theirs);
  time.reference_is = "dlopen of Debian's pam_fprintd.so";
  time.limit = 1.2 * *time.reference;
  time.budget = "≤ 1.2 × reference";
  report->add(time);
}

}  // namespace pamcognito::bench
