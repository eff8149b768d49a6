#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Reading JSON objects without trust in their types. jsoncpp throws on a wrong type, so each access
// looks first.
namespace pamcognito::pool {

// One line, UTF-8 as it is.
[[nodiscard]] std::string to_text(const Json::Value& value);
// nullopt unless `text` is one whole JSON value.
[[nodiscard]] std::optional<Json::Value> parse_json(std::string_view text);
// The string member `name`, or "" when it is absent or of another type.
[[nodiscard]] std::string string_at(const Json::Value& object, const std::string& name);
[[nodiscard]] Json::Value to_json(const std::vector<std::string>& list);

// Reads members of one object into variables; absent members leave them as they are.
// finish() tells the first fault: a wrong type, or a member that nobody asked for.
class JsonReader {
 public:
  JsonReader(const Json::Value& object, std::string what);

  JsonReader& read(const std::string& name, bool& into);
  JsonReader& read(const std::string& name, int64_t& into);
  JsonReader& read(const std::string& name, std::string& into);
  // null clears it.
  JsonReader& read(const std::string& name, std::optional<std::string>& into);
  JsonReader& read(const std::string& name, std::vector<std::string>& into);
  JsonReader& read(const std::string& name, Json::Value& into);
  // A number, perhaps with a fraction, in seconds.
  JsonReader& read_seconds(const std::string& name, int64_t& into_ms);
  // Only one of the given words.
  JsonReader& read_word(const std::string& name, std::string& into, std::set<std::string> words);

  [[nodiscard]] std::expected<void, std::string> finish() const;

 private:
  // The member, or null when it is absent or a fault was found before.
  [[nodiscard]] const Json::Value* member(const std::string& name);
  void fault(const std::string& name, const std::string& why);

  const Json::Value& object_;
  std::string what_;
  std::set<std::string> known_;
  std::string fault_;
};

}  // namespace pamcognito::pool
