#include "daemon/runtime/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "common/text.h"

namespace pamcognito::runtime {
namespace {

constexpr char kDropped[] = "pam_cognito_metrics_dropped_total";

struct Bound {
  double seconds;
  std::string_view text;  // as the label `le` has it
};
constexpr std::array kBounds = {
    Bound{0.005, "0.005"}, Bound{0.01, "0.01"}, Bound{0.025, "0.025"}, Bound{0.05, "0.05"},
    Bound{0.1, "0.1"},     Bound{0.25, "0.25"}, Bound{0.5, "0.5"},     Bound{1, "1"},
    Bound{2.5, "2.5"},     Bound{5, "5"},       Bound{10, "10"},
};

struct Family {
  std::string_view name;
  std::string_view type;
  std::string_view help;
};
constexpr std::array kFamilies = {
    Family{"pam_cognito_sign_ins_total", "counter", "Sign-ins that ended, by outcome."},
    Family{"pam_cognito_accounts_total", "counter", "Decisions of the account phase, by outcome."},
    Family{"pam_cognito_calls_total", "counter",
           "Requests to the user pool, by what came of them."},
    Family{"pam_cognito_call_seconds", "histogram", "How long the user pool took to answer."},
    Family{"pam_cognito_pool_rounds_total", "counter",
           "Rounds of background probes of the user pool, by result."},
    Family{"pam_cognito_limits_hit_total", "counter", "Refusals because a limit was reached."},
    Family{"pam_cognito_messages_total", "counter", "SMS and e-mail codes that this host caused."},
    Family{"pam_cognito_sessions_ended_total", "counter", "Sessions that ended, by reason."},
    Family{"pam_cognito_reauthentications_total", "counter",
           "Questions to users with a session, and the reason."},
    Family{kDropped, "counter", "Changes that were not counted, because of too many series."},
};

// The family that a series belongs to: a histogram's three have endings.
Family family_of(std::string_view series) {
  for (const Family& family : kFamilies) {
    if (!series.starts_with(family.name)) continue;
    const std::string_view ending = series.substr(family.name.size());
    const bool of_histogram = family.type == "histogram" &&
                              (ending == "_bucket" || ending == "_sum" || ending == "_count");
    if (ending.empty() || of_histogram) return family;
  }
  return {series, "untyped", ""};
}

std::string number(double value) {
  std::array<char, 64> text{};
  // Without an exponent as long as it is exact: counters are read by people too.
  constexpr double kExact = 9007199254740992.0;  // 2^53
  const bool fixed = value > -kExact && value < kExact;
  const auto end =
      fixed ? std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed)
            : std::to_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() ? std::string(text.data(), end.ptr) : "NaN";
}

std::string in_quotes(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string line_of(const Sample& sample) {
  std::string labels;
  for (const auto& [name, value] : sample.labels)
    labels += (labels.empty() ? "" : ",") + name + "=" + in_quotes(value);
  return sample.name + (labels.empty() ? "" : "{" + labels + "}") + " " + number(sample.value) +
         "\n";
}

}  // namespace

void Metrics::count(std::string_view name, std::initializer_list<Label> labels, std::uint64_t by) {
  if (std::uint64_t* const counter = find_or_add(counters_, name, labels)) *counter += by;
  changed();
}

void Metrics::observe(std::string_view name, std::initializer_list<Label> labels,
                      std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (Histogram* const histogram = find_or_add(histograms_, name, labels)) {
    histogram->buckets.resize(kBounds.size());
    const auto bound =
        std::ranges::find_if(kBounds, [&](const Bound& each) { return seconds <= each.seconds; });
    if (bound != kBounds.end())
      ++histogram->buckets[static_cast<std::size_t>(bound - kBounds.begin())];
    histogram->sum += seconds;
    ++histogram->count;
  }
  changed();
}

std::vector<Sample> Metrics::samples() const {
  std::vector<Sample> all;
  for (const auto& [series, value] : counters_)
    all.push_back({series.first, series.second, static_cast<double>(value)});
  for (const auto& [series, histogram] : histograms_) {
    const auto& [name, labels] = series;
    std::uint64_t at_most = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      at_most += histogram.buckets[i];
      Labels with_bound = labels;
      with_bound["le"] = kBounds[i].text;
      all.push_back({name + "_bucket", std::move(with_bound), static_cast<double>(at_most)});
    }
    Labels with_bound = labels;
    with_bound["le"] = "+Inf";
    const auto count = static_cast<double>(histogram.count);
    all.push_back({name + "_bucket", std::move(with_bound), count});
    all.push_back({name + "_sum", labels, histogram.sum});
    all.push_back({name + "_count", labels, count});
  }
  if (dropped_ > 0) all.push_back({kDropped, {}, static_cast<double>(dropped_)});
  return all;
}

Metrics::Series Metrics::series(std::string_view name, std::initializer_list<Label> labels) {
  Series key{std::string(name), {}};
  for (const Label& label : labels)
    key.second.emplace(label.name, printable(label.value, kMaxLabelValue));
  return key;
}

template <class Value>
Value* Metrics::find_or_add(std::map<Series, Value>& all, std::string_view name,
                            std::initializer_list<Label> labels) {
  Series key = series(name, labels);
  const auto found = all.find(key);
  if (found != all.end()) return &found->second;
  if (counters_.size() + histograms_.size() >= kMaxSeries) {
    ++dropped_;
    return nullptr;
  }
  return &all[std::move(key)];
}

void Metrics::changed() {
  ++changes_;
  if (on_change_) on_change_();
}

Metrics& metrics() {
  static Metrics of_this_process;
  return of_this_process;
}

std::string prometheus_text(const std::vector<Sample>& samples) {
  // The lines of a family are contiguous, the families in the order of their first sample.
  std::vector<std::pair<Family, std::string>> families;
  for (const Sample& sample : samples) {
    const Family family = family_of(sample.name);
    auto place = std::ranges::find_if(
        families, [&](const auto& each) { return each.first.name == family.name; });
    if (place == families.end()) place = families.insert(families.end(), {family, ""});
    place->second += line_of(sample);
  }
  std::string text;
  for (const auto& [family, lines] : families) {
    const std::string name(family.name);
    if (!family.help.empty()) text += "# HELP " + name + " " + std::string(family.help) + "\n";
    text += "# TYPE " + name + " " + std::string(family.type) + "\n" + lines;
  }
  return text;
}

}  // namespace pamcognito::runtime
