#include "daemon/runtime/metrics.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::runtime;
using namespace std::chrono_literals;

double value_of(const Metrics& metrics, const std::string& name,
                const std::map<std::string, std::string>& labels) {
  for (const Sample& sample : metrics.samples())
    if (sample.name == name && sample.labels == labels) return sample.value;
  return -1;
}

void counters_are_told_apart_by_their_labels(void**) {
  Metrics metrics;
  metrics.count("a_total", {{"outcome", "success"}, {"service", "sudo"}});
  metrics.count("a_total", {{"service", "sudo"}, {"outcome", "success"}}, 4);
  metrics.count("a_total", {{"outcome", "refused"}, {"service", "sudo"}});
  metrics.count("b_total");
  assert_int_equal(metrics.samples().size(), 3);
  assert_true(value_of(metrics, "a_total", {{"outcome", "success"}, {"service", "sudo"}}) == 5);
  assert_true(value_of(metrics, "a_total", {{"outcome", "refused"}, {"service", "sudo"}}) == 1);
  assert_true(value_of(metrics, "b_total", {}) == 1);
  assert_int_equal(metrics.changes(), 4);
}

void a_histogram_counts_up_to_each_bound(void**) {
  Metrics metrics;
  for (const auto duration : {5ms, 6ms, 60ms, 20'000ms})
    metrics.observe("t_seconds", {{"operation", "InitiateAuth"}}, duration);
  const auto bucket = [&](const char* bound) {
    return value_of(metrics, "t_seconds_bucket", {{"operation", "InitiateAuth"}, {"le", bound}});
  };
  assert_true(bucket("0.005") == 1);  // what equals a bound is within it
  assert_true(bucket("0.01") == 2);
  assert_true(bucket("0.05") == 2);
  assert_true(bucket("0.1") == 3);
  assert_true(bucket("10") == 3);
  assert_true(bucket("+Inf") == 4);
  assert_true(value_of(metrics, "t_seconds_count", {{"operation", "InitiateAuth"}}) == 4);
  const double sum = value_of(metrics, "t_seconds_sum", {{"operation", "InitiateAuth"}});
  assert_true(sum > 20.0709 && sum < 20.0711);
}

void series_are_bounded_and_the_rest_is_counted(void**) {
  Metrics metrics;
  for (std::size_t i = 0; i < Metrics::kMaxSeries + 3; ++i)
    metrics.count("a_total", {{"i", std::to_string(i)}});
  metrics.observe("t_seconds", {}, 1ms);
  metrics.count("a_total", {{"i", "0"}});
  assert_int_equal(metrics.samples().size(), Metrics::kMaxSeries + 1);
  assert_true(value_of(metrics, "pam_cognito_metrics_dropped_total", {}) == 4);
  assert_true(value_of(metrics, "a_total", {{"i", "0"}}) == 2);
}

void a_label_is_printable_and_bounded(void**) {
  Metrics metrics;
  metrics.count("a_total", {{"service", "x\x1b[31m" + std::string(1000, 'y')}});
  const std::string value = metrics.samples().at(0).labels.at("service");
  assert_int_equal(value.size(), Metrics::kMaxLabelValue);
  assert_true(value.starts_with("x?[31m"));
}

void a_change_is_told(void**) {
  Metrics metrics;
  int told = 0;
  metrics.on_change([&] { ++told; });
  metrics.count("a_total");
  metrics.observe("t_seconds", {}, 1ms);
  metrics.on_change({});
  metrics.count("a_total");
  assert_int_equal(told, 2);
}

void the_text_is_prometheus_own(void**) {
  Metrics metrics;
  metrics.count("pam_cognito_sign_ins_total", {{"outcome", "success"}, {"service", "sudo"}},
                1234567);
  metrics.count("pam_cognito_sign_ins_total", {{"outcome", "refused"}, {"service", "a\"b\\c\nd"}});
  metrics.observe("pam_cognito_call_seconds", {{"operation", "InitiateAuth"}}, 1500ms);
  assert_text(prometheus_text(metrics.samples()),
              R"(# HELP pam_cognito_sign_ins_total Sign-ins that ended, by outcome.
# TYPE pam_cognito_sign_ins_total counter
pam_cognito_sign_ins_total{outcome="refused",service="a\"b\\c\nd"} 1
pam_cognito_sign_ins_total{outcome="success",service="sudo"} 1234567
# HELP pam_cognito_call_seconds How long the user pool took to answer.
# TYPE pam_cognito_call_seconds histogram
pam_cognito_call_seconds_bucket{le="0.005",operation="InitiateAuth"} 0
pam_cognito_call_seconds_bucket{le="0.01",operation="InitiateAuth"} 0
pam_cognito_call_seconds_bucket{le="0.025",operation="InitiateAuth"} 0
pam_cognito_call_seconds_bucket{le="0.05",operation="InitiateAuth"} 0
pam_cognito_call_seconds_bucket{le="0.1",operation="InitiateAuth"} 0
pam_cognito_call_seconds_bucket{le="0.25",operation="InitiateAuth"} 0
pam_cognito_call_seconds_bucket{le="0.5",operation="InitiateAuth"} 0
pam_cognito_call_seconds_bucket{le="1",operation="InitiateAuth"} 0
pam_cognito_call_seconds_bucket{le="2.5",operation="InitiateAuth"} 1
pam_cognito_call_seconds_bucket{le="5",operation="InitiateAuth"} 1
pam_cognito_call_seconds_bucket{le="10",operation="InitiateAuth"} 1
pam_cognito_call_seconds_bucket{le="+Inf",operation="InitiateAuth"} 1
pam_cognito_call_seconds_sum{operation="InitiateAuth"} 1.5
pam_cognito_call_seconds_count{operation="InitiateAuth"} 1
)");
}

void families_stand_together_whatever_the_order(void**) {
  assert_text(prometheus_text({{"a_total", {{"x", "1"}}, 1}, {"b", {}, 2.5}, {"a_total", {}, 3}}),
              "# TYPE a_total untyped\na_total{x=\"1\"} 1\na_total 3\n# TYPE b untyped\nb 2.5\n");
  assert_text(prometheus_text({}), "");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(counters_are_told_apart_by_their_labels),
      cmocka_unit_test(a_histogram_counts_up_to_each_bound),
      cmocka_unit_test(series_are_bounded_and_the_rest_is_counted),
      cmocka_unit_test(a_label_is_printable_and_bounded),
      cmocka_unit_test(a_change_is_told),
      cmocka_unit_test(the_text_is_prometheus_own),
      cmocka_unit_test(families_stand_together_whatever_the_order),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
