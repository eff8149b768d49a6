#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pamcognito::pool {

struct HttpRequest {
  std::string method;
  std::string path;
  // As sent, without the question mark.
  std::string query;
  // Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string target;  // the X-Amz-Target header
  std::string user_agent;
  std::string body;
  int peer_port = 0;
};

// How an answer reaches the client.
enum class Delivery {
  whole,
  none,       // the connection is closed instead
  truncated,  // half of what Content-Length says, then closed
  endless,    // the body again and again, chunked, until the client has enough
};

struct HttpAnswer {
  int status = 200;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Delivery delivery = Delivery::whole;
  // Between two pieces of an endless body.
  int64_t drip_ms = 0;
};

}  // namespace pamcognito::pool
