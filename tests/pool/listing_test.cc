// The lists of users and groups: shapes, pages, filters and refusals.
#include <cstdint>
#include <string>
#include <vector>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

constexpr char kPool[] = "eu-west-1_UnitTest1";

// The body of a request for the pool, with these members besides.
std::string body(const std::string& members_json) {
  Json::Value body = json(members_json);
  body["UserPoolId"] = kPool;
  return to_text(body);
}

void add_user(PoolUnderTest& pool, const std::string& user) {
  const auto put = pool.pool.put_user(json(user), true);
  if (!put) fail_with(put.error());
}

// A pool with 130 users in the group `many`, u000 to u129, and the five of each test.
void add_many(PoolUnderTest& pool) {
  for (int i = 0; i < 130; ++i) {
    const std::string number = std::to_string(1000 + i).substr(1);
    add_user(pool, R"({"username":"u)" + number + R"(","groups":["many"]})");
  }
}

std::string names(const Json::Value& list, const char* member) {
  std::string text;
  for (const Json::Value& entry : list) {
    text += (text.empty() ? "" : " ") + entry[member].asString();
  }
  return text;
}

std::string found(PoolUnderTest& pool, const std::string& filter) {
  Json::Value request;
  request["UserPoolId"] = kPool;
  request["Filter"] = filter;
  const Reply reply = pool.signed_call("ListUsers", to_text(request));
  return reply.status == 200 ? names(reply.body["Users"], "Username") : reply.message();
}

void shapes(void** /*state*/) {
  PoolUnderTest pool;
  const int64_t now_s = pool.pool.clock.wall_s();
  add_user(pool, R"({"username":"off","sub":"s-1","enabled":false,"groups":["g1"],
      "status":"FORCE_CHANGE_PASSWORD","attributes":{"email":"off@example.com","custom:x":"1"}})");
  const Reply reply = pool.signed_call("ListUsersInGroup", body(R"({"GroupName":"g1"})"));
  assert_text(names(reply.body["Users"], "Username"), "off plain");
  assert_false(reply.body.isMember("NextToken"));
  const Json::Value user = reply.body["Users"][0];
  assert_true(user["Enabled"] == false);
  assert_text(user["UserStatus"].asString(), "FORCE_CHANGE_PASSWORD");
  assert_text(to_text(user["Attributes"]),
              R"([{"Name":"sub","Value":"s-1"},{"Name":"custom:x","Value":"1"},)"
              R"({"Name":"email","Value":"off@example.com"}])");
  assert_in_range(user["UserCreateDate"].asInt64(), now_s, now_s + 60);
  assert_true(user["UserCreateDate"] == user["UserLastModifiedDate"]);

  const Json::Value groups = pool.signed_call("ListGroups", body("{}")).body["Groups"];
  assert_text(names(groups, "GroupName"), "g1");
  assert_text(groups[0]["UserPoolId"].asString(), kPool);
  assert_false(groups[0].isMember("Precedence"));
}

void modification(void** /*state*/) {
  PoolUnderTest pool;
  pool.pool.clock.advance_wall(100'000);
  const auto changed = pool.pool.put_user(json(R"({"username":"plain","enabled":false})"), false);
  assert_true(changed.has_value());
  const Reply reply = pool.signed_call("ListUsers", body(R"({"Filter":"username = \"plain\""})"));
  const Json::Value user = reply.body["Users"][0];
  assert_true(user["UserLastModifiedDate"].asInt64() - user["UserCreateDate"].asInt64() >= 99);
}

void groups_of_a_user(void** /*state*/) {
  PoolUnderTest pool;
  const auto put = pool.pool.groups.put(
      json(R"({"name":"g1","description":"d","role_arn":"arn:r","precedence":0})"), 5000);
  assert_true(put.has_value());
  add_user(pool, R"({"username":"x","sub":"sub-x","groups":["g2","g1","g3"]})");
  for (const char* name : {"x", "sub-x"}) {
    const Reply reply = pool.signed_call("AdminListGroupsForUser",
                                         body(R"({"Username":")" + std::string(name) + "\"}"));
    assert_text(names(reply.body["Groups"], "GroupName"), "g1 g2 g3");
    const Json::Value group = reply.body["Groups"][0];
    assert_text(group["Description"].asString(), "d");
    assert_text(group["RoleArn"].asString(), "arn:r");
    assert_true(group["Precedence"] == 0 && group["LastModifiedDate"] == 5.0);
  }
  const Reply page =
      pool.signed_call("AdminListGroupsForUser", body(R"({"Username":"x","Limit":2})"));
  assert_text(names(page.body["Groups"], "GroupName"), "g1 g2");
  assert_true(page.body.isMember("NextToken"));
  assert_text(pool.signed_call("AdminListGroupsForUser", body(R"({"Username":"nobody"})")).error(),
              "UserNotFoundException");
}

// All pages of a list, each page's size in `sizes`.
std::string all_pages(PoolUnderTest& pool, const std::string& operation, Json::Value request,
                      const char* token, std::vector<size_t>& sizes) {
  std::string text;
  for (;;) {
    const Reply reply = pool.signed_call(operation, to_text(request));
    if (reply.status != 200) return reply.message();
    sizes.push_back(reply.body["Users"].size());
    const std::string page = names(reply.body["Users"], "Username");
    text += (text.empty() || page.empty() ? "" : " ") + page;
    if (!reply.body.isMember(token)) return text;
    request[token] = reply.body[token];
  }
}

void pages(void** /*state*/) {
  PoolUnderTest pool;
  add_many(pool);
  std::string expected;
  for (int i = 0; i < 130; ++i) {
    expected += (i == 0 ? "u" : " u") + std::to_string(1000 + i).substr(1);
  }
  std::vector<size_t> sizes;
  assert_text(all_pages(pool, "ListUsersInGroup", json(body(R"({"GroupName":"many"})")),
                        "NextToken", sizes),
              expected);
  assert_true(sizes == (std::vector<size_t>{60, 60, 10}));
  sizes.clear();
  const Json::Value filtered = json(body(R"({"Filter":"username ^= \"u\"","Limit":50})"));
  assert_text(all_pages(pool, "ListUsers", filtered, "PaginationToken", sizes), expected);
  assert_true(sizes == (std::vector<size_t>{50, 50, 30}));
  // A last page that is full has no token.
  sizes.clear();
  const Json::Value even = json(body(R"({"GroupName":"many","Limit":13})"));
  assert_text(all_pages(pool, "ListUsersInGroup", even, "NextToken", sizes), expected);
  assert_int_equal(sizes.size(), 10);
  // Limit 0 is no limit of the caller's.
  const Reply zero = pool.signed_call("ListUsers", body(R"({"Limit":0})"));
  assert_int_equal(zero.body["Users"].size(), 60);
}

void pages_without_matches(void** /*state*/) {
  PoolUnderTest pool;
  add_many(pool);
  pool.pool.settings.list_limit_counts = "scanned";
  std::vector<size_t> sizes;
  const Json::Value request = json(body(R"({"Filter":"username = \"u129\"","Limit":50})"));
  assert_text(all_pages(pool, "ListUsers", request, "PaginationToken", sizes), "u129");
  assert_true(sizes == (std::vector<size_t>{0, 0, 1}));
}

void changes_between_pages(void** /*state*/) {
  PoolUnderTest pool;
  add_many(pool);
  Json::Value request = json(body(R"({"GroupName":"many","Limit":10})"));
  const Reply first = pool.signed_call("ListUsersInGroup", to_text(request));
  request["NextToken"] = first.body["NextToken"];
  // The user that the token names is gone, and another one came before it.
  assert_true(pool.pool.users.remove("u009"));
  add_user(pool, R"({"username":"u0000","groups":["many"]})");
  const Reply second = pool.signed_call("ListUsersInGroup", to_text(request));
  assert_text(second.body["Users"][0]["Username"].asString(), "u010");
}

void tokens(void** /*state*/) {
  PoolUnderTest pool;
  add_many(pool);
  const std::string marker = "Paging Marker is Invalid for Request";
  Json::Value request = json(body(R"({"Filter":"username ^= \"u\"","Limit":10})"));
  const Reply first = pool.signed_call("ListUsers", to_text(request));
  const std::string token = string_at(first.body, "PaginationToken");
  const auto answer_to = [&](const std::string& operation, Json::Value changed,
                             const std::string& member, const std::string& value) {
    changed[member] = value;
    const Reply reply = pool.signed_call(operation, to_text(changed));
    assert_text(reply.error(), reply.status == 200 ? "" : "InvalidParameterException");
    return reply.message();
  };
  assert_text(answer_to("ListUsers", request, "PaginationToken", token), "");
  request["Limit"] = 20;
  assert_text(answer_to("ListUsers", request, "PaginationToken", token), "");
  for (const std::string& bad : {std::string("x"), std::string(""), "A" + token.substr(1),
                                 token.substr(0, token.size() - 4), std::string("?")}) {
    assert_text(answer_to("ListUsers", request, "PaginationToken", bad), marker);
  }
  request["Filter"] = "username ^= \"u0\"";
  assert_text(answer_to("ListUsers", request, "PaginationToken", token), marker);
  assert_text(
      answer_to("ListUsersInGroup", json(body(R"({"GroupName":"many"})")), "NextToken", token),
      marker);
}

void filters(void** /*state*/) {
  PoolUnderTest pool;
  add_user(pool, R"({"username":"Ann","sub":"1111-2222","enabled":false,"status":"UNCONFIRMED",
      "attributes":{"email":"ann@example.com","given_name":"A \"q\" \\ n"}})");
  assert_text(found(pool, ""), "Ann both mail plain sms totp");
  assert_text(found(pool, R"(username = "Ann")"), "Ann");
  assert_text(found(pool, R"(username="Ann")"), "Ann");
  assert_text(found(pool, R"(username = "ann")"), "");
  assert_text(found(pool, R"(username ^= "A")"), "Ann");
  assert_text(found(pool, R"(sub = "1111-2222")"), "Ann");
  assert_text(found(pool, R"(sub ^= "1111")"), "Ann");
  assert_text(found(pool, R"(email = "plain@example.com")"), "plain");
  assert_text(found(pool, R"(email ^= "mail@")"), "mail");
  assert_text(found(pool, R"(given_name = "A \"q\" \\ n")"), "Ann");
  assert_text(found(pool, R"(cognito:user_status = "unconfirmed")"), "Ann");
  assert_text(found(pool, R"(cognito:user_status ^= "UNC")"), "Ann");
  assert_text(found(pool, R"(status = "Disabled")"), "Ann");
  assert_text(found(pool, R"(status = "Enabled")"), "both mail plain sms totp");
  assert_text(found(pool, R"(status = "enabled")"), "");
  for (const char* bad : {"foo", "username", "username = Ann", R"(= "Ann")", R"(username = "A)",
                          R"(username = "A"B")", R"(username "Ann")", R"(username = "A\")"}) {
    assert_text(found(pool, bad), "Error while parsing filter.");
  }
  assert_text(found(pool, R"(custom:x = "1")"), "Invalid search attribute: custom:x");
  assert_text(found(pool, R"(locale = "1")"), "Invalid search attribute: locale");
  assert_true(found(pool, std::string(257, 'x')).find("'filter'") != std::string::npos);
}

void attributes(void** /*state*/) {
  PoolUnderTest pool;
  const auto get = [&](const std::string& list, const std::string& filter) {
    Json::Value request = json(body(R"({"AttributesToGet":)" + list + "}"));
    request["Filter"] = filter;
    return pool.signed_call("ListUsers", to_text(request));
  };
  assert_text(to_text(get(R"(["email"])", R"(username = "plain")").body["Users"][0]["Attributes"]),
              R"([{"Name":"email","Value":"plain@example.com"}])");
  assert_text(get(R"(["email"])", "").message(), "One or more requested attributes do not exist.");
  assert_text(get(R"(["sub"])", "").message(), "Input fails to satisfy the constraints.");
  assert_text(get(R"("email")", "").error(), "SerializationException");
}

void refusals(void** /*state*/) {
  PoolUnderTest pool;
  const auto error = [&](const std::string& operation, const std::string& request) {
    return pool.signed_call(operation, request).error();
  };
  for (const char* operation :
       {"ListUsers", "ListUsersInGroup", "ListGroups", "AdminListGroupsForUser"}) {
    assert_text(error(operation, R"({"UserPoolId":"eu-west-1_Another01"})"),
                "ResourceNotFoundException");
    assert_text(error(operation, "{}"), "InvalidParameterException");
    assert_text(error(operation, R"({"UserPoolId":"nonsense"})"), "InvalidParameterException");
    const std::string member = operation == std::string("AdminListGroupsForUser")
                                   ? R"({"Username":"plain",)"
                                   : R"({"GroupName":"g1",)";
    assert_text(error(operation, body(member + R"("Limit":61})")), "InvalidParameterException");
    assert_text(error(operation, body(member + R"("Limit":-1})")), "InvalidParameterException");
    assert_text(error(operation, body(member + R"("Limit":"1"})")), "SerializationException");
    assert_text(error(operation, body(member + R"("Limit":60})")), "");
  }
  assert_text(error("ListUsersInGroup", body(R"({"GroupName":"none"})")),
              "ResourceNotFoundException");
  assert_text(error("ListUsersInGroup", body("{}")), "InvalidParameterException");
  assert_text(error("ListUsersInGroup", body(R"({"GroupName":")" + std::string(129, 'g') + "\"}")),
              "InvalidParameterException");
  assert_text(error("AdminListGroupsForUser", body("{}")), "InvalidParameterException");
}

// A group remains when its last user leaves it.
void empty_group(void** /*state*/) {
  PoolUnderTest pool;
  assert_true(pool.pool.put_user(json(R"({"username":"plain","groups":[]})"), false).has_value());
  const Reply reply = pool.signed_call("ListUsersInGroup", body(R"({"GroupName":"g1"})"));
  assert_int_equal(reply.status, 200);
  assert_true(reply.body["Users"].isArray() && reply.body["Users"].empty());
}

void throttled_page(void** /*state*/) {
  PoolUnderTest pool;
  add_many(pool);
  const auto fault = pool.pool.faults.add(
      json(R"({"on":"ListUsersInGroup","kind":"throttle","skip":1,"times":2})"));
  assert_true(fault.has_value());
  Json::Value request = json(body(R"({"GroupName":"many"})"));
  const Reply first = pool.signed_call("ListUsersInGroup", to_text(request));
  assert_int_equal(first.status, 200);
  request["NextToken"] = first.body["NextToken"];
  for (int i = 0; i < 2; ++i) {
    const Reply throttled = pool.signed_call("ListUsersInGroup", to_text(request));
    assert_int_equal(throttled.status, 429);
    assert_text(throttled.error(), "TooManyRequestsException");
  }
  // The same page can be asked for again.
  const Reply second = pool.signed_call("ListUsersInGroup", to_text(request));
  assert_text(second.body["Users"][0]["Username"].asString(), "u060");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(shapes),      cmocka_unit_test(modification),
      cmocka_unit_test(pages),       cmocka_unit_test(groups_of_a_user),
      cmocka_unit_test(tokens),      cmocka_unit_test(pages_without_matches),
      cmocka_unit_test(filters),     cmocka_unit_test(changes_between_pages),
      cmocka_unit_test(attributes),  cmocka_unit_test(refusals),
      cmocka_unit_test(empty_group), cmocka_unit_test(throttled_page)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
