#pragma once

#include <json/value.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Foreign JSON, read strictly and as values: no exception of jsoncpp's leaves these functions.
namespace pamcognito::cognito {

template <class T>
using JsonResult =
    std::expected<T, std::string>;  // the error says what is wrong, without the value

// Parsed JSON. Its strings are wiped when it goes: jsoncpp keeps them in blocks of malloc(), which
// the daemon's wiping operator delete never sees.
class JsonDocument {
 public:
  JsonDocument() : root_(Json::objectValue) {}
  explicit JsonDocument(Json::Value&& root) : root_(std::move(root)) {}
  JsonDocument(JsonDocument&& other) noexcept { root_.swap(other.root_); }
  JsonDocument& operator=(JsonDocument&& other) noexcept {
    root_.swap(other.root_);
    return *this;
  }
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;
  ~JsonDocument();

  [[nodiscard]] const Json::Value& root() const { return root_; }

 private:
  Json::Value root_;
};

// One object or array (RFC 8259) and nothing else: UTF-8, no comments, no repeated key, at most 32
// deep.
JsonResult<JsonDocument> parse_json(std::string_view text);
// The same, but only an object.
JsonResult<JsonDocument> parse_json_object(std::string_view text);

// RFC 3629: no overlong form, no surrogate.
bool is_utf8(std::string_view text);

// Writes one object, member by member, into memory that the daemon wipes. Values must be UTF-8.
class JsonObjectWriter {
 public:
  JsonObjectWriter& add(std::string_view name, std::string_view value);
  // An empty map is left out.
  JsonObjectWriter& add(std::string_view name, const std::map<std::string, std::string>& values);
  // Not an overload of add(): a pointer to characters would become a bool.
  JsonObjectWriter& add_flag(std::string_view name, bool value);
  // The members that are added between the two are those of an object of this name.
  JsonObjectWriter& begin_object(std::string_view name);
  JsonObjectWriter& end_object();
  [[nodiscard]] std::string finish();

 private:
  void begin_member(std::string_view name);
  void write_string(std::string_view value);
  std::string text_ = "{";
};

// Members of an object. An absent member and null are the same. Strings hold no NUL.
JsonResult<std::optional<std::string>> optional_string(const Json::Value& object, const char* name,
                                                       std::size_t max_bytes);
// Absent and empty are errors.
JsonResult<std::string> required_string(const Json::Value& object, const char* name,
                                        std::size_t max_bytes);
JsonResult<std::optional<std::int64_t>> optional_integer(const Json::Value& object,
                                                         const char* name);
// Absent: nullptr.
JsonResult<const Json::Value*> optional_object(const Json::Value& object, const char* name);
JsonResult<const Json::Value*> optional_array(const Json::Value& object, const char* name,
                                              std::size_t max_entries);
// Absent: empty.
JsonResult<std::vector<std::string>> string_list(const Json::Value& object, const char* name,
                                                 std::size_t max_entries, std::size_t max_bytes);
JsonResult<std::map<std::string, std::string>> string_map(const Json::Value& object,
                                                          const char* name, std::size_t max_entries,
                                                          std::size_t max_bytes);

}  // namespace pamcognito::cognito
