#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pamcognito::runtime {

struct Label {
  std::string_view name;
  std::string_view value;
};

// One value, as Prometheus names it: of a histogram the series NAME_bucket, NAME_sum, NAME_count.
struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// Counts the events since the daemon started: counters and histograms, by name and labels. Used
// from the loop's thread only. Bounded: a change to a series beyond kMaxSeries is counted as
// dropped.
//
//   pam_cognito_sign_ins_total{outcome,service}
//   pam_cognito_accounts_total{outcome,service}         the account phase
//   pam_cognito_calls_total{operation,result}           to the pool; result: ok, or an error's word
//   pam_cognito_call_seconds{operation}                 histogram: how long the pool took
//   pam_cognito_pool_rounds_total{result}               reached, failed, no-route, undecided
//   pam_cognito_limits_hit_total{limit}                 failures, messages, open-sign-ins
//   pam_cognito_messages_total{kind}                    SMS and e-mails caused: sign-in, reset
//   pam_cognito_sessions_ended_total{reason}
//   pam_cognito_reauthentications_total{kind,reason}    decide_reauth()
//   pam_cognito_metrics_dropped_total                   changes to series beyond kMaxSeries
//
// Their help texts are in metrics.cc. A value that an attacker chooses must not become a label.
class Metrics {
 public:
  static constexpr std::size_t kMaxSeries = 2048;
  static constexpr std::size_t kMaxLabelValue = 128;  // bytes; what is longer is cut

  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics() = default;

  void count(std::string_view name, std::initializer_list<Label> labels = {}, std::uint64_t by = 1);
  // Into buckets from 5 ms to 10 s.
  void observe(std::string_view name, std::initializer_list<Label> labels,
               std::chrono::nanoseconds duration);

  [[nodiscard]] std::vector<Sample> samples() const;
  // Grows with each change.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
  // Runs after each change, from within it: it must be short. Empty: nothing runs.
  void on_change(std::function<void()> call) { on_change_ = std::move(call); }

 private:
  using Labels = std::map<std::string, std::string>;
  using Series = std::pair<std::string, Labels>;
  struct Histogram {
    std::vector<std::uint64_t> buckets;  // of each bound, not cumulated
    double sum = 0;                      // seconds
    std::uint64_t count = 0;
  };
  static Series series(std::string_view name, std::initializer_list<Label> labels);
  template <class Value>
  Value* find_or_add(std::map<Series, Value>& all, std::string_view name,
                     std::initializer_list<Label> labels);
  void changed();

  std::map<Series, std::uint64_t> counters_;
  std::map<Series, Histogram> histograms_;
  std::uint64_t dropped_ = 0;
  std::uint64_t changes_ = 0;
  std::function<void()> on_change_;
};

// The process's own, as log() is the process's own log.
Metrics& metrics();

// The samples, in any order, as Prometheus' text format 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/
std::string prometheus_text(const std::vector<Sample>& samples);

}  // namespace pamcognito::runtime
