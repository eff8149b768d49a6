#include "daemon/cognito/json.h"

#include <map>
#include <string>

#include "daemon/cognito/base64.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using namespace cognito;

void only_one_strict_object_is_json(void**) {
  for (const char* text : {"{}", " {\"a\": [1, {\"b\": null}]} ", "{\"a\":\"\\u00e9\xc3\xa9\"}"}) {
    assert_true(parse_json_object(text).has_value());
  }
  const std::string bad[] = {
      "",
      "null",
      "[]",
      "\"text\"",
      "{",
      "{}}",
      "{} {}",
      "{\"a\":1,}",
      "{\"a\":1,\"a\":2}",
      "{\"a\":{\"b\":1,\"b\":1}}",
      "{a:1}",
      "{'a':1}",
      "{\"a\":1} // comment",
      "{\"a\":NaN}",
      "{\"a\":\"\xff\"}",
      "{\"a\":\"\xc0\xaf\"}",
      "{\"a\":\"\xed\xa0\x80\"}",
      "{\"a\":\"\xf4\x90\x80\x80\"}",
      "{\"a\":\"\xe2\x82\"}",
      "{\"a\":" + std::string(33, '[') + std::string(33, ']') + "}",
      "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}",
      std::string(100000, '{'),
  };
  for (const std::string& text : bad) assert_false(parse_json_object(text).has_value());
}

void an_error_does_not_quote_the_text(void**) {
  const auto result = parse_json_object("{\"token\":\"hunter2\" oops");
  assert_false(result.has_value());
  assert_true(result.error().find("hunter2") == std::string::npos);
}

void members_have_the_type_that_is_asked_for(void**) {
  const auto document = parse_json_object(
      R"({"s":"text","e":"","n":7,"f":1.5,"big":1e300,"o":{"x":"y","z":null},"l":["a"],"t":true,)"
      R"("nul":"a\u0000b","none":null,"mixed":{"x":1}})");
  const Json::Value& root = document->root();
  assert_text(*required_string(root, "s", 4), "text");
  assert_false(required_string(root, "s", 3).has_value());
  for (const char* name : {"e", "n", "o", "l", "t", "nul", "none", "absent"}) {
    assert_false(required_string(root, name, 100).has_value());
  }
  assert_false((*optional_string(root, "none", 10)).has_value());
  assert_false((*optional_string(root, "absent", 10)).has_value());
  assert_int_equal(**optional_integer(root, "n"), 7);
  for (const char* name : {"s", "f", "big", "o", "t"}) {
    assert_false(optional_integer(root, name).has_value());
  }
  assert_false(optional_object(root, "l").has_value());
  assert_null(*optional_object(root, "none"));
  assert_int_equal(string_map(root, "o", 5, 5)->size(), 1);
  assert_false(string_map(root, "o", 1, 5).has_value());
  assert_false(string_map(root, "mixed", 5, 5).has_value());
  assert_false(string_map(root, "l", 5, 5).has_value());
  assert_int_equal(string_list(root, "l", 5, 5)->size(), 1);
  assert_false(string_list(root, "l", 0, 5).has_value());
  assert_false(string_list(root, "s", 5, 5).has_value());
  assert_true(string_list(root, "absent", 5, 5)->empty());
  assert_int_equal((*optional_array(root, "l", 1))->size(), 1);
  assert_null(*optional_array(root, "absent", 1));
  assert_false(optional_array(root, "l", 0).has_value());
  assert_false(optional_array(root, "o", 5).has_value());
}

void what_is_written_can_be_read(void**) {
  const std::string odd = "quote \" slash \\ tab \t bell \a \x7f \xc3\xa9 \xf0\x9f\x98\x80";
  const std::string text = JsonObjectWriter()
                               .add("a", odd)
                               .add("m", {{"k\"", "v"}, {"x", ""}})
                               .add("empty", std::map<std::string, std::string>())
                               .finish();
  const auto document = parse_json_object(text);
  assert_true(document.has_value());
  assert_text(*required_string(document->root(), "a", 100), odd);
  assert_text(document->root()["m"]["k\""].asString(), "v");
  assert_false(document->root().isMember("empty"));
  assert_text(JsonObjectWriter().finish(), "{}");
  assert_text(JsonObjectWriter().add("a", "\n").finish(), "{\"a\":\"\\u000a\"}");
}

void objects_and_flags_are_written_in_place(void**) {
  JsonObjectWriter writer;
  writer.add_flag("yes", true).begin_object("o").add_flag("no", false).add("s", "{");
  writer.begin_object("inner").end_object().add("t", "u").end_object().add("last", "x");
  assert_text(writer.finish(),
              R"({"yes":true,"o":{"no":false,"s":"{","inner":{},"t":"u"},"last":"x"})");
}

void base64_of_both_alphabets(void**) {
  assert_text(*base64url_decode("-_8"), "\xfb\xff");
  assert_text(*base64url_decode("YWJj"), "abc");
  assert_text(*base64url_decode(""), "");
  for (const char* text : {"+/8", "YQ==", "Y", "YR", "YWK", "YW J", "YWJj\n", "YW=j"}) {
    assert_false(base64url_decode(text).has_value());
  }
  for (const char* text : {"+/8=", "+/8", "-_8=", "-_8"}) {
    assert_text(*base64_decode_lenient(text), "\xfb\xff");
  }
  for (const char* text : {"=", "A", "A===", "AA=A", "A*A="}) {
    const auto decoded = base64_decode_lenient(text);
    assert_true(!decoded || decoded->empty());
  }
  const unsigned char bytes[] = {0xfb, 0xff};
  assert_text(base64_encode(bytes), "+/8=");
  assert_text(base64_encode({}), "");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_one_strict_object_is_json),
      cmocka_unit_test(an_error_does_not_quote_the_text),
      cmocka_unit_test(members_have_the_type_that_is_asked_for),
      cmocka_unit_test(what_is_written_can_be_read),
      cmocka_unit_test(objects_and_flags_are_written_in_place),
      cmocka_unit_test(base64_of_both_alphabets),
  };
  return cmocka_run_group_tests_name("json", tests, nullptr, nullptr);
}
