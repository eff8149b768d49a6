#include "daemon/cognito/json.h"

#include <json/reader.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

#include "common/secret.h"
#include "daemon/cognito/bounds.h"

namespace pamcognito::cognito {
namespace {

// The length of the UTF-8 sequence that begins `text` (RFC 3629), or 0.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t size = 0;
  unsigned char low = 0x80;  // bounds of the second byte: no overlong form, surrogate or > 10FFFF
  unsigned char high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    size = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    size = 3;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    size = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
  }
  if (size == 0 || text.size() < size || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

const Json::CharReaderBuilder& strict_builder() {
  static const Json::CharReaderBuilder builder = [] {
    Json::CharReaderBuilder strict;
    Json::CharReaderBuilder::strictMode(&strict.settings_);
    strict["rejectDupKeys"] = true;
    strict["failIfExtra"] = true;
    strict["stackLimit"] = kMaxJsonDepth;
    return strict;
  }();
  return builder;
}

const Json::Value* member(const Json::Value& object, const char* name) {
  if (!object.isObject()) return nullptr;
  const Json::Value* value = object.find(name, name + std::char_traits<char>::length(name));
  return value != nullptr && value->isNull() ? nullptr : value;
}

std::unexpected<std::string> wrong(const char* name, const char* what) {
  return std::unexpected(std::string(name) + " " + what);
}

JsonResult<std::string> text_of(const Json::Value& value, const char* name, std::size_t max_bytes) {
  const char* begin = nullptr;
  const char* end = nullptr;
  if (!value.isString() || !value.getString(&begin, &end)) return wrong(name, "is not a string");
  const std::string_view text(begin, static_cast<std::size_t>(end - begin));
  if (text.size() > max_bytes) {
    const std::string sizes = "has " + std::to_string(text.size()) + " bytes, more than the " +
                              std::to_string(max_bytes) + " that cognitod accepts";
    return wrong(name, sizes.c_str());
  }
  if (text.find('\0') != std::string_view::npos) return wrong(name, "holds a NUL");
  return std::string(text);
}

// The pointers that jsoncpp hands out lead to its own, writable storage.
void wipe_strings(Json::Value& value) {
  if (value.isString()) {
    const char* begin = nullptr;
    const char* end = nullptr;
    if (value.getString(&begin, &end)) {
      wipe({const_cast<char*>(begin), static_cast<std::size_t>(end - begin)});
    }
  } else if (value.isObject() || value.isArray()) {
    for (Json::Value& entry : value) wipe_strings(entry);
  }
}

}  // namespace

JsonDocument::~JsonDocument() {
  wipe_strings(root_);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = utf8_sequence(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

JsonResult<JsonDocument> parse_json(std::string_view text) {
  if (!is_utf8(text)) return std::unexpected("not UTF-8");
  try {
    const std::unique_ptr<Json::CharReader> reader(strict_builder().newCharReader());
    Json::Value value;
    // The reader's own description quotes the text, which may hold a secret: it is not passed on.
    const bool parsed = reader->parse(text.data(), text.data() + text.size(), &value, nullptr);
    JsonDocument document(std::move(value));
    if (!parsed) return std::unexpected("not JSON");
    return document;
  } catch (const Json::Exception&) {  // nested too deeply
    return std::unexpected("not JSON that can be read");
  }
}

JsonResult<JsonDocument> parse_json_object(std::string_view text) {
  auto document = parse_json(text);
  if (document && !document->root().isObject()) return std::unexpected("not a JSON object");
  return document;
}

void JsonObjectWriter::write_string(std::string_view value) {
  text_ += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      (void)std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      text_ += escape;
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

void JsonObjectWriter::begin_member(std::string_view name) {
  if (!text_.ends_with('{')) text_ += ',';
  write_string(name);
  text_ += ':';
}

JsonObjectWriter& JsonObjectWriter::add(std::string_view name, std::string_view value) {
  begin_member(name);
  write_string(value);
  return *this;
}

JsonObjectWriter& JsonObjectWriter::add(std::string_view name,
                                        const std::map<std::string, std::string>& values) {
  if (values.empty()) return *this;
  begin_object(name);
  for (const auto& [key, value] : values) add(key, value);
  return end_object();
}

JsonObjectWriter& JsonObjectWriter::add_flag(std::string_view name, bool value) {
  begin_member(name);
  text_ += value ? "true" : "false";
  return *this;
}

JsonObjectWriter& JsonObjectWriter::begin_object(std::string_view name) {
  begin_member(name);
  text_ += '{';
  return *this;
}

JsonObjectWriter& JsonObjectWriter::end_object() {
  text_ += '}';
  return *this;
}

std::string JsonObjectWriter::finish() {
  text_ += '}';
  return std::move(text_);
}

JsonResult<std::optional<std::string>> optional_string(const Json::Value& object, const char* name,
                                                       std::size_t max_bytes) {
  const Json::Value* value = member(object, name);
  if (value == nullptr) return std::optional<std::string>();
  auto text = text_of(*value, name, max_bytes);
  if (!text) return std::unexpected(std::move(text.error()));
  return std::optional(std::move(*text));
}

JsonResult<std::string> required_string(const Json::Value& object, const char* name,
                                        std::size_t max_bytes) {
  auto text = optional_string(object, name, max_bytes);
  if (!text) return std::unexpected(std::move(text.error()));
  if (!*text) return wrong(name, "is missing");
  if ((*text)->empty()) return wrong(name, "is empty");
  return std::move(**text);
}

JsonResult<std::optional<std::int64_t>> optional_integer(const Json::Value& object,
                                                         const char* name) {
  const Json::Value* value = member(object, name);
  if (value == nullptr) return std::optional<std::int64_t>();
  if (!value->isNumeric() || !value->isInt64()) return wrong(name, "is not an integer");
  return std::optional<std::int64_t>(value->asInt64());
}

JsonResult<const Json::Value*> optional_object(const Json::Value& object, const char* name) {
  const Json::Value* value = member(object, name);
  if (value != nullptr && !value->isObject()) return wrong(name, "is not an object");
  return value;
}

JsonResult<const Json::Value*> optional_array(const Json::Value& object, const char* name,
                                              std::size_t max_entries) {
  const Json::Value* value = member(object, name);
  if (value == nullptr) return value;
  if (!value->isArray()) return wrong(name, "is not a list");
  if (value->size() > max_entries) return wrong(name, "has too many entries");
  return value;
}

JsonResult<std::vector<std::string>> string_list(const Json::Value& object, const char* name,
                                                 std::size_t max_entries, std::size_t max_bytes) {
  std::vector<std::string> list;
  const auto value = optional_array(object, name, max_entries);
  if (!value) return std::unexpected(value.error());
  if (*value == nullptr) return list;
  for (const Json::Value& entry : **value) {
    auto text = text_of(entry, name, max_bytes);
    if (!text) return std::unexpected(std::move(text.error()));
    list.push_back(std::move(*text));
  }
  return list;
}

JsonResult<std::map<std::string, std::string>> string_map(const Json::Value& object,
                                                          const char* name, std::size_t max_entries,
                                                          std::size_t max_bytes) {
  std::map<std::string, std::string> map;
  const Json::Value* value = member(object, name);
  if (value == nullptr) return map;
  if (!value->isObject()) return wrong(name, "is not an object");
  if (value->size() > max_entries) return wrong(name, "has too many entries");
  for (auto entry = value->begin(); entry != value->end(); ++entry) {
    if (entry->isNull()) continue;
    auto text = text_of(*entry, name, max_bytes);
    if (!text) return std::unexpected(std::move(text.error()));
    std::string key = entry.name();
    if (key.size() > max_bytes) return wrong(name, "has a name that is too long");
    map.emplace(std::move(key), std::move(*text));
  }
  return map;
}

}  // namespace pamcognito::cognito
