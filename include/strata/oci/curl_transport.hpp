#pragma once

#include <strata/error.hpp>
#include <strata/oci/curl_line.hpp>
#include <strata/oci/transport.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace strata::oci {

namespace detail {

/// Lines that have nothing to do, with the connections that they keep.
class CurlPool {
 public:
  /// One that has spoken to the host before, if there is one.
  std::unique_ptr<CurlLine> take(std::string const& origin) {
    std::lock_guard const lock(mutex_);
    for (auto i = idle_.size(); i-- > 0;)
      if (idle_[i]->origin() == origin) {
        auto line = std::move(idle_[i]);
        idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
        return line;
      }
    return std::make_unique<CurlLine>(origin);
  }

  void give_back(std::unique_ptr<CurlLine> line) {
    std::unique_ptr<CurlLine> oldest;  // destroyed without the mutex
    std::lock_guard const lock(mutex_);
    idle_.push_back(std::move(line));
    if (idle_.size() <= most_idle) return;
    oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }

 private:
  static constexpr std::size_t most_idle = 16;

  std::mutex mutex_ = {};
  std::vector<std::unique_ptr<CurlLine>> idle_ = {};  // the last one was used last
};

/// The body of an answer.
class CurlBody {
 public:
  CurlBody(std::shared_ptr<CurlPool> pool, std::unique_ptr<CurlLine> line)
      : pool_(std::move(pool)), line_(std::move(line)) {}
  CurlBody(CurlBody&&) = default;
  CurlBody& operator=(CurlBody&&) = delete;
  ~CurlBody() {
    if (line_) release();
  }

  Bytes next() {
    if (!line_) return {};
    auto const part = line_->next();
    if (part.empty()) release();
    return part;
  }

 private:
  void release() {
    line_->stop();
    try {
      pool_->give_back(std::move(line_));
    } catch (std::exception const&) {  // there is no memory for it: the connection is closed
    }
  }

  std::shared_ptr<CurlPool> pool_;
  std::unique_ptr<CurlLine> line_;
};

}  // namespace detail

/// HTTP by libcurl (7.85 or later), which who includes this links: `-lcurl`.
///
/// Connections are kept and used again, by all copies of an object. Proxies are those of the environment (`https_proxy`,
/// `http_proxy`, `all_proxy`, `no_proxy`); with one, `HttpPolicy::refuse_local` has no effect, as the proxy looks up
/// names. Thread-safe.
class CurlTransport {
 public:
  CurlTransport() : pool_(std::make_shared<detail::CurlPool>()) {}

  /// @throws as `Transport`; `Errc::configuration` and `errno` for certificates that cannot be read; what the body throws
  HttpResponse send(HttpRequest request) {
    auto const url = Url::parse(request.url);
    if (!url) throw Error(Errc::unexpected_answer, "what is no URL of HTTP");
    auto line = pool_->take(url->origin());
    line->start(std::move(request));
    line->await_headers();
    HttpResponse response{.status = line->status(), .headers = line->take_headers()};
    response.body = detail::CurlBody(pool_, std::move(line));
    return response;
  }

 private:
  std::shared_ptr<detail::CurlPool> pool_;
};

static_assert(Transport<CurlTransport>);

}  // namespace strata::oci
