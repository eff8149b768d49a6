#include "tests/pool/custom_script.h"

#include <algorithm>

#include "tests/pool/json_reader.h"

namespace pamcognito::pool {

namespace {

std::expected<CustomScript::Round, std::string> read_round(const Json::Value& from) {
  CustomScript::Round round;
  JsonReader reader(from, "user's custom round");
  reader.read("parameters", round.parameters).read("answer", round.answer);
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (!round.parameters.isObject() ||
      !std::ranges::all_of(round.parameters,
                           [](const Json::Value& value) { return value.isString(); })) {
    return std::unexpected("user's custom round: \"parameters\" must be an object of texts");
  }
  return round;
}

}  // namespace

std::expected<CustomScript, std::string> read_script(const Json::Value& from) {
  CustomScript script;
  Json::Value rounds;
  JsonReader reader(from, "user's custom");
  reader.read("rounds", rounds)
      .read_word("on_wrong", script.on_wrong, {"fail", "retry", "restart"})
      .read("attempts", script.attempts)
      .read_word("then", script.then, {"tokens", "mfa"});
  if (const auto read = reader.finish(); !read) return std::unexpected(read.error());
  if (!rounds.isArray() || rounds.empty()) {
    return std::unexpected("user's custom: \"rounds\" must be a list of at least one");
  }
  for (const Json::Value& entry : rounds) {
    auto round = read_round(entry);
    if (!round) return std::unexpected(round.error());
    script.rounds.push_back(std::move(*round));
  }
  return script;
}

Json::Value to_json(const CustomScript& script) {
  Json::Value out;
  for (const CustomScript::Round& round : script.rounds) {
    Json::Value entry;
    entry["parameters"] = round.parameters;
    entry["answer"] = round.answer;
    out["rounds"].append(std::move(entry));
  }
  out["on_wrong"] = script.on_wrong;
  out["attempts"] = Json::Int64{script.attempts};
  out["then"] = script.then;
  return out;
}

}  // namespace pamcognito::pool
