#pragma once

#include <strata/sys/fd.hpp>

#include "fake_registry.hpp"
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

/// A `fake_registry::Registry` on the loopback, by HTTP/1.1 without TLS.
namespace fake_registry {

class Server {
 public:
  explicit Server(std::shared_ptr<Registry> registry) : registry_(std::move(registry)) {
    listening_ = strata::sys::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listening_.get(), raw, size) != 0 || ::listen(listening_.get(), 64) != 0 ||
        ::getsockname(listening_.get(), raw, &size) != 0)
      throw std::runtime_error("no port for the fake server");
    port_ = std::to_string(ntohs(address.sin_port));
    accepting_ = std::thread([this] { accept_all(); });
  }
  Server(Server const&) = delete;
  Server& operator=(Server const&) = delete;
  ~Server() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    accepting_.join();
    {
      std::lock_guard const lock(mutex_);
      for (int const fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& thread : serving_) thread.join();
  }

  std::string address() const { return "127.0.0.1:" + port_; }
  std::string url() const { return "http://" + address(); }
  std::size_t connections() const {
    std::lock_guard const lock(mutex_);
    return serving_.size();
  }

 private:
  void accept_all() {
    for (;;) {
      strata::sys::Fd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (fd.get() < 0) return;
      std::lock_guard const lock(mutex_);
      open_.push_back(fd.get());
      serving_.emplace_back([this, fd = std::move(fd)] {
        std::string pending;
        while (serve(fd.get(), pending)) {
        }
        ::shutdown(fd.get(), SHUT_RDWR);
        std::lock_guard const closing(mutex_);
        std::erase(open_, fd.get());
      });
    }
  }

  static bool receive(int fd, std::string& into) {
    std::array<char, 65536> buffer;
    auto const count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) return false;
    into.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }
  static bool send_all(int fd, std::string_view text) {
    while (!text.empty()) {
      auto const count = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// @return false if the connection ends
  bool serve(int fd, std::string& pending) {
    std::size_t end = 0;
    while ((end = pending.find("\r\n\r\n")) == std::string::npos) {
      if (!receive(fd, pending)) return false;
      constexpr char tls = '\x16';
      if (pending[0] == tls) {  // as other servers do
        send_all(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
        return false;
      }
    }
    auto request = parsed(pending.substr(0, end + 2));
    pending.erase(0, end + 4);
    auto const length = request.headers.content_length().value_or(0);
    while (pending.size() < length)
      if (!receive(fd, pending)) return false;
    request.body = pending.substr(0, length);
    pending.erase(0, length);
    return respond(fd, request.method == "HEAD", registry_->answer(request));
  }

  static Request parsed(std::string_view text) {
    Request out;
    auto const line = text.substr(0, text.find("\r\n"));
    out.method = line.substr(0, line.find(' '));
    auto const target = line.substr(std::min(line.find(' ') + 1, line.size()));
    out.target = target.substr(0, target.find(' '));
    text.remove_prefix(line.size() + 2);
    while (!text.empty()) {
      auto const header = text.substr(0, text.find("\r\n"));
      auto const colon = header.find(':');
      out.headers.add(std::string(header.substr(0, colon)),
                      std::string(oci::detail::trimmed(header.substr(std::min(colon + 1, header.size())))));
      text.remove_prefix(header.size() + 2);
    }
    return out;
  }

  static bool respond(int fd, bool is_head, Answer const& answer) {
    if (!answer.raw.empty() || answer.status == 0) {
      send_all(fd, answer.raw);
      return false;
    }
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Fake\r\n";
    for (auto const& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
    if (answer.is_endless)
      head += "Connection: close\r\n";
    else if (answer.status != 204)
      head += "Content-Length: " + std::to_string(answer.length.value_or(answer.body.size())) + "\r\n";
    if (!send_all(fd, head + "\r\n")) return false;
    if (is_head) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(answer.pause));
    while (answer.is_endless)
      if (!send_all(fd, answer.body)) return false;
    if (answer.cut) {
      send_all(fd, std::string_view(answer.body).substr(0, *answer.cut));
      return false;
    }
    return send_all(fd, answer.body) && answer.length.value_or(answer.body.size()) == answer.body.size();
  }

  std::shared_ptr<Registry> registry_;
  strata::sys::Fd listening_ = {};
  std::string port_ = {};
  mutable std::mutex mutex_ = {};
  std::vector<int> open_ = {};
  std::vector<std::thread> serving_ = {};
  std::thread accepting_ = {};
};

}  // namespace fake_registry
