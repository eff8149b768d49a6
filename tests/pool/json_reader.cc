#include "tests/pool/json_reader.h"

#include <json/reader.h>
#include <json/writer.h>

#include <cmath>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

namespace pamcognito::pool {

std::string to_text(const Json::Value& value) {
  static const Json::StreamWriterBuilder kBuilder = [] {
    Json::StreamWriterBuilder builder;
    builder["indentation"] = "";
    builder["emitUTF8"] = true;
    return builder;
  }();
  return Json::writeString(kBuilder, value);
}

std::optional<Json::Value> parse_json(std::string_view text) {
  static const Json::CharReaderBuilder kBuilder = [] {
    Json::CharReaderBuilder builder;
    Json::CharReaderBuilder::strictMode(&builder.settings_);
    builder["strictRoot"] = false;
    builder["stackLimit"] = 100;
    return builder;
  }();
  const std::unique_ptr<Json::CharReader> reader(kBuilder.newCharReader());
  Json::Value value;
  std::string errors;
  try {
    if (!reader->parse(text.data(), text.data() + text.size(), &value, &errors))
      return std::nullopt;
  } catch (const std::exception&) {
    // jsoncpp throws when the nesting is too deep.
    return std::nullopt;
  }
  return value;
}

std::string string_at(const Json::Value& object, const std::string& name) {
  if (!object.isObject() || !object.isMember(name) || !object[name].isString()) return "";
  return object[name].asString();
}

Json::Value to_json(const std::vector<std::string>& list) {
  Json::Value array(Json::arrayValue);
  for (const std::string& item : list) array.append(item);
  return array;
}

JsonReader::JsonReader(const Json::Value& object, std::string what)
    : object_(object), what_(std::move(what)) {
  if (!object.isObject()) fault_ = what_ + ": must be an object";
}

const Json::Value* JsonReader::member(const std::string& name) {
  known_.insert(name);
  if (!fault_.empty() || !object_.isMember(name)) return nullptr;
  return &object_[name];
}

void JsonReader::fault(const std::string& name, const std::string& why) {
  if (fault_.empty()) fault_ = what_ + ": \"" + name + "\" " + why;
}

JsonReader& JsonReader::read(const std::string& name, bool& into) {
  const Json::Value* value = member(name);
  if (value == nullptr) return *this;
  if (value->isBool()) {
    into = value->asBool();
  } else {
    fault(name, "must be true or false");
  }
  return *this;
}

JsonReader& JsonReader::read(const std::string& name, int64_t& into) {
  const Json::Value* value = member(name);
  if (value == nullptr) return *this;
  if (value->isInt64()) {
    into = value->asInt64();
  } else {
    fault(name, "must be a whole number");
  }
  return *this;
}

JsonReader& JsonReader::read(const std::string& name, std::string& into) {
  const Json::Value* value = member(name);
  if (value == nullptr) return *this;
  if (value->isString()) {
    into = value->asString();
  } else {
    fault(name, "must be text");
  }
  return *this;
}

JsonReader& JsonReader::read(const std::string& name, std::optional<std::string>& into) {
  const Json::Value* value = member(name);
  if (value == nullptr) return *this;
  if (value->isNull()) {
    into.reset();
  } else if (value->isString()) {
    into = value->asString();
  } else {
    fault(name, "must be text or null");
  }
  return *this;
}

JsonReader& JsonReader::read(const std::string& name, std::vector<std::string>& into) {
  const Json::Value* value = member(name);
  if (value == nullptr) return *this;
  std::vector<std::string> list;
  bool all_text = value->isArray();
  for (Json::ArrayIndex i = 0; all_text && i < value->size(); ++i) {
    all_text = (*value)[i].isString();
    if (all_text) list.push_back((*value)[i].asString());
  }
  if (all_text) {
    into = std::move(list);
  } else {
    fault(name, "must be a list of texts");
  }
  return *this;
}

JsonReader& JsonReader::read(const std::string& name, Json::Value& into) {
  const Json::Value* value = member(name);
  if (value != nullptr) into = *value;
  return *this;
}

JsonReader& JsonReader::read_seconds(const std::string& name, int64_t& into_ms) {
  const Json::Value* value = member(name);
  if (value == nullptr) return *this;
  if (value->isNumeric() && std::abs(value->asDouble()) < 1e12) {
    into_ms = std::llround(value->asDouble() * 1000);
  } else {
    fault(name, "must be a number of seconds");
  }
  return *this;
}

JsonReader& JsonReader::read_word(const std::string& name, std::string& into,
                                  std::set<std::string> words) {
  std::string word = into;
  read(name, word);
  if (fault_.empty() && object_.isMember(name) && !words.contains(word)) {
    std::string list;
    for (const std::string& allowed : words) list += " " + allowed;
    fault(name, "must be one of:" + list);
  }
  if (fault_.empty()) into = word;
  return *this;
}

std::expected<void, std::string> JsonReader::finish() const {
  if (!fault_.empty()) return std::unexpected(fault_);
  for (const std::string& name : object_.getMemberNames()) {
    if (!known_.contains(name)) {
      return std::unexpected(what_ + ": \"" + name + "\" is not known here");
    }
  }
  return {};
}

}  // namespace pamcognito::pool
