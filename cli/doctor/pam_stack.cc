#include "cli/doctor/pam_stack.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include "common/ascii.h"

namespace pamcognito::cli {
namespace {

constexpr int kDeepest = 16;            // includes within includes
constexpr std::size_t kLongest = 1000;  // rules of a stack

// The administrator's files; and the packages', each for where there is none of the
// administrator's.
constexpr char kEtc[] = "/etc/pam.d/";
constexpr char kUsrLib[] = "/usr/lib/pam.d/";

using Control = std::map<std::string, std::string>;

// The key words, as pam.conf(5) spells them out.
const std::map<std::string, Control, std::less<>>& keyword_controls() {
  static const std::map<std::string, Control, std::less<>> controls = {
      {"required",
       {{"success", "ok"}, {"new_authtok_reqd", "ok"}, {"ignore", "ignore"}, {"default", "bad"}}},
      {"requisite",
       {{"success", "ok"}, {"new_authtok_reqd", "ok"}, {"ignore", "ignore"}, {"default", "die"}}},
      {"sufficient", {{"success", "done"}, {"new_authtok_reqd", "done"}, {"default", "ignore"}}},
      {"optional", {{"success", "ok"}, {"new_authtok_reqd", "ok"}, {"default", "ignore"}}},
  };
  return controls;
}

// Words as libpam splits them: "[…]" is one word, without its brackets.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string::npos) {
    const bool bracketed = line[at] == '[';
    const std::size_t end = bracketed ? line.find(']', at) : line.find_first_of(" \t", at);
    const std::size_t from = bracketed ? at + 1 : at;
    words.push_back(line.substr(from, end == std::string::npos ? end : end - from));
    if (end == std::string::npos) break;
    at = end + (bracketed ? 1 : 0);
  }
  return words;
}

std::optional<Control> control_of(const std::string& word) {
  const auto keyword = keyword_controls().find(word);
  if (keyword != keyword_controls().end()) return keyword->second;
  Control control;
  for (const std::string& pair : words_of(word)) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos) return std::nullopt;
    control[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  if (control.empty()) return std::nullopt;
  return control;
}

class Reader {
 public:
  Reader(const System& system, const std::string& type, PamStack* stack)
      : system_(system), type_(type), stack_(stack) {}

  void read(const std::string& service, unsigned level, int depth) {
    std::string path = service.starts_with('/') ? service : kEtc + service;
    auto text = system_.read(path);
    if (!text && !service.starts_with('/')) {
      text = system_.read(kUsrLib + service);
      if (text) path = kUsrLib + service;
    }
    if (!text || depth > kDeepest) {
      stack_->problems.push_back(path + (text ? ": includes itself" : ": cannot be read"));
      return;
    }
    unsigned number = 0;
    unsigned begun = 0;
    std::string line;
    for (std::string rest = *text; !rest.empty();) {
      const std::size_t newline = rest.find('\n');
      std::string part = rest.substr(0, newline);
      rest = newline == std::string::npos ? "" : rest.substr(newline + 1);
      ++number;
      if (line.empty()) begun = number;
      part.resize(std::min(part.size(), part.find('#')));
      if (part.ends_with('\\')) {
        line += part.substr(0, part.size() - 1) + " ";
        continue;
      }
      line += part;
      read_line(line, path + ":" + std::to_string(begun), level, depth);
      line.clear();
    }
  }

 private:
  void read_line(const std::string& line, const std::string& place, unsigned level, int depth) {
    std::vector<std::string> words = split(line);
    if (words.empty() || stack_->rules.size() >= kLongest) return;
    if (words[0] == "@include") {
      if (words.size() > 1) read(words[1], level, depth + 1);
      return;
    }
    PamRule rule;
    rule.place = place;
    rule.level = level;
    std::string type = ascii::lower(words[0]);
    if (type.starts_with('-')) {
      rule.missing_is_ignored = true;
      type.erase(0, 1);
    }
    if (type != type_) return;
    if (words.size() < 3) {
      stack_->problems.push_back(place + ": not a rule");
      return;
    }
    if (words[1] == "include") return read(words[2], level, depth + 1);
    if (words[1] == "substack") {
      rule.control = {{"default", "ignore"}};
      stack_->rules.push_back(std::move(rule));
      return read(words[2], level + 1, depth + 1);
    }
    auto control = control_of(words[1]);
    if (!control) {
      stack_->problems.push_back(place + ": what is \"" + words[1] + "\"?");
      return;
    }
    rule.control = std::move(*control);
    rule.module = words[2].substr(words[2].rfind('/') + 1);
    rule.arguments.assign(words.begin() + 3, words.end());
    stack_->rules.push_back(std::move(rule));
  }

  const System& system_;
  const std::string& type_;
  PamStack* stack_;
};

std::string action_of(const PamRule& rule, const std::string& code) {
  const auto named = rule.control.find(code);
  if (named != rule.control.end()) return named->second;
  const auto otherwise = rule.control.find("default");
  // libpam: a code that is not named is "bad".
  return otherwise == rule.control.end() ? "bad" : otherwise->second;
}

// The dispatcher's state while it walks.
class Walk {
 public:
  explicit Walk(const std::vector<PamRule>& rules) : rules_(rules) {}

  StackResult run(const std::function<std::string(const PamRule&)>& answer) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const PamRule& rule = rules_[i];
      saved_.resize(std::max<std::size_t>(saved_.size(), rule.level + 2U));
      if (rule.module.empty()) {
        saved_[rule.level + 1U] = state_;
        continue;
      }
      if (take(rule, answer(rule), &i)) return result();
    }
    return result();
  }

 private:
  enum class Impression : std::uint8_t { undefined, positive, negative };
  struct State {
    Impression impression = Impression::undefined;
    std::string code = "perm_denied";
    const PamRule* by = nullptr;
  };

  // True: decided.
  bool take(const PamRule& rule, const std::string& code, std::size_t* index) {
    const std::string action = action_of(rule, code);
    if (action == "ignore") return false;
    if (action == "reset") {
      state_ = rule.level < saved_.size() ? saved_[rule.level] : State{};
      return false;
    }
    if (action == "ok" || action == "done") {
      consent(rule, code);
      return action == "done" && state_.impression == Impression::positive && leave(rule, index);
    }
    if (action == "bad" || action == "die") {
      object(rule, code);
      return action == "die" && leave(rule, index);
    }
    jump(rule, action, index);
    return false;
  }

  void consent(const PamRule& rule, const std::string& code) {
    if (state_.impression == Impression::negative) return;
    if (state_.impression == Impression::positive && state_.code != "success") return;
    if (code == "ignore") return;
    state_ = {Impression::positive, code, &rule};
  }

  void object(const PamRule& rule, const std::string& code) {
    if (state_.impression == Impression::negative) return;
    state_ = {Impression::negative, code == "ignore" ? "perm_denied" : code, &rule};
  }

  // done and die end a substack, or all.
  bool leave(const PamRule& rule, std::size_t* index) const {
    if (rule.level == 0) return true;
    while (*index + 1 < rules_.size() && rules_[*index + 1].level >= rule.level) ++*index;
    return false;
  }

  // A substack counts as one.
  void jump(const PamRule& rule, const std::string& action, std::size_t* index) {
    unsigned count = 0;
    const auto [end, error] = std::from_chars(action.data(), action.data() + action.size(), count);
    bool good = error == std::errc() && end == action.data() + action.size();
    for (; good && count > 0; --count) {
      good = *index + 1 < rules_.size() && rules_[*index + 1].level >= rule.level;
      if (!good) break;
      ++*index;
      while (*index + 1 < rules_.size() && rules_[*index + 1].level > rule.level) ++*index;
    }
    if (!good) state_ = {Impression::negative, "perm_denied", &rule};
  }

  [[nodiscard]] StackResult result() const {
    if (state_.impression == Impression::positive) return {state_.code, state_.by};
    return {state_.code == "success" ? "perm_denied" : state_.code, state_.by};
  }

  const std::vector<PamRule>& rules_;
  State state_;
  std::vector<State> saved_;  // by level: where its substack began
};

}  // namespace

bool PamStack::names(std::string_view module) const {
  return std::ranges::any_of(rules, [&](const PamRule& rule) { return rule.module == module; });
}

std::set<std::string> pam_services(const System& system) {
  std::set<std::string> names;
  for (const char* directory : {kEtc, kUsrLib})
    for (std::string& name : system.list(directory)) names.insert(std::move(name));
  std::erase_if(names, [](const std::string& name) {
    return name.starts_with("common-") || name.contains('~') || name.contains(".dpkg-") ||
           name.contains(".pam-old");
  });
  return names;
}

PamStack read_pam_stack(const System& system, const std::string& service, const std::string& type) {
  PamStack stack;
  Reader(system, type, &stack).read(service, 0, 0);
  return stack;
}

StackResult walk_pam_stack(const std::vector<PamRule>& rules,
                           const std::function<std::string(const PamRule&)>& answer) {
  return Walk(rules).run(answer);
}

}  // namespace pamcognito::cli
