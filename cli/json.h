#pragma once

#include <json/json.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "cli/auth_client.h"

namespace pamcognito::cli {

inline Json::Value to_json(const Value& value) {
  return std::visit(
      [](const auto& held) -> Json::Value {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::uint64_t>)
          return Json::Value::UInt64(held);
        else
          return held;
      },
      value);
}

inline Json::Value to_json(const Dictionary& dictionary) {
  Json::Value object(Json::objectValue);
  for (const auto& [key, value] : dictionary) object[key] = to_json(value);
  return object;
}

inline Json::Value to_json(const std::vector<Dictionary>& dictionaries) {
  Json::Value array(Json::arrayValue);
  for (const Dictionary& dictionary : dictionaries) array.append(to_json(dictionary));
  return array;
}

inline Json::Value to_json(const std::vector<std::string>& texts) {
  Json::Value array(Json::arrayValue);
  for (const std::string& text : texts) array.append(text);
  return array;
}

}  // namespace pamcognito::cli
