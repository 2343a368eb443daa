#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/oci/certificates.hpp>
#include <strata/oci/registry_error.hpp>
#include <strata/oci/transport.hpp>
#include <strata/oci/url.hpp>
#include <strata/sys/file.hpp>
#include <strata/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <curl/curl.h>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// One connection to one server, by libcurl. An implementation detail of `CurlTransport`.
namespace strata::oci::detail {

struct CurlDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct CurlMultiDelete {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

/// True if an error of libcurl may not come again.
inline bool is_transient_in_curl(CURLcode code) noexcept {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
      return true;
    default:
      return false;
  }
}

inline bool is_of_tls_in_curl(CURLcode code) noexcept {
  return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CIPHER ||
         code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS;
}

inline bool has_proxy() {
  for (auto const* const name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
    if (auto const* const value = std::getenv(name); value != nullptr && *value != '\0') return true;
  return false;
}

/// Runs one transfer at a time, driven by whoever waits for its bytes: at most `most_buffered` are held.
class CurlLine {
 public:
  explicit CurlLine(std::string origin) : origin_(std::move(origin)) {
    static bool const ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    easy_.reset(ready ? curl_easy_init() : nullptr);
    multi_.reset(ready ? curl_multi_init() : nullptr);
    if (!easy_ || !multi_) throw Error(Errc::unsupported, "libcurl");
  }
  CurlLine(CurlLine const&) = delete;
  CurlLine& operator=(CurlLine const&) = delete;
  ~CurlLine() { stop(); }

  std::string const& origin() const noexcept { return origin_; }
  int status() const noexcept { return status_; }
  HttpHeaders take_headers() { return std::move(headers_); }

  void start(HttpRequest request) {
    stop();
    request_ = std::move(request);
    curl_easy_reset(easy_.get());
    sent_headers_.reset();
    headers_ = {};
    buffer_.clear();
    status_ = 0;
    header_bytes_ = 0;
    has_headers_ = is_paused_ = is_done_ = false;
    failure_ = nullptr;
    error_text_[0] = '\0';
    set_request();
    set_connection();
    set_certificates();
    if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK) throw std::bad_alloc();
    is_running_ = true;
  }

  void await_headers() {
    while (!has_headers_ && !is_done_) step();
    if (!has_headers_) check_result();
    if (!has_headers_ && (status_ != 0 || header_bytes_ != 0))
      throw Error(Errc::unavailable, "request to " + origin_ + ", the answer broke off in its headers");
    if (!has_headers_) throw Error(Errc::unexpected_answer, origin_ + " does not speak HTTP");
  }

  /// The next bytes of the body, valid until the following call; empty at the end.
  Bytes next() {
    while (buffer_.empty() && !is_done_) {
      if (std::exchange(is_paused_, false)) curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
      if (buffer_.empty()) step();
    }
    if (buffer_.empty()) check_result();
    given_.clear();
    given_.swap(buffer_);
    return as_bytes(given_);
  }

  /// Ends the transfer. If it was not at its end, the connection is closed.
  void stop() noexcept {
    if (std::exchange(is_running_, false)) curl_multi_remove_handle(multi_.get(), easy_.get());
    request_ = {};
  }

 private:
  static constexpr std::size_t most_buffered = std::size_t{512} << 10;
  static constexpr std::size_t most_header_bytes = std::size_t{256} << 10;

  template <class Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(easy_.get(), option, value) != CURLE_OK)
      throw Error(Errc::unsupported, "option " + std::to_string(option) + " of libcurl");
  }

  void set_request() {
    auto const& method = request_.method;
    bool const has_body = static_cast<bool>(request_.body);
    set(CURLOPT_URL, request_.url.c_str());
    if (method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (has_body) {
      set(CURLOPT_UPLOAD, 1L);
      set(CURLOPT_READFUNCTION, &CurlLine::on_read);
      set(CURLOPT_READDATA, this);
      set(CURLOPT_INFILESIZE_LARGE,
          static_cast<curl_off_t>(request_.body_size ? static_cast<std::int64_t>(*request_.body_size) : -1));
      set(CURLOPT_CUSTOMREQUEST, method.c_str());
    } else {
      set(CURLOPT_CUSTOMREQUEST, method.c_str());
    }
    auto const add = [&](std::string const& line) {
      auto* const longer = curl_slist_append(sent_headers_.get(), line.c_str());
      if (longer == nullptr) throw std::bad_alloc();
      (void)sent_headers_.release();
      sent_headers_.reset(longer);
    };
    for (auto const& [name, value] : request_.headers) add(name + ": " + value);
    add("Expect:");  // else servers that do not know it cost a second
    if (!request_.headers.find("Accept")) add("Accept: */*");
    set(CURLOPT_HTTPHEADER, sent_headers_.get());
    set(CURLOPT_USERAGENT, "strata/" STRATA_VERSION_TEXT);
    set(CURLOPT_HEADERFUNCTION, &CurlLine::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &CurlLine::on_bytes);
    set(CURLOPT_WRITEDATA, this);
  }

  void set_connection() {
    auto const& policy = request_.policy;
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION,
        static_cast<long>(CURL_HTTP_VERSION_1_1));  // each transfer has a connection of its own
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_ERRORBUFFER, error_text_.data());
    set(CURLOPT_BUFFERSIZE, 256L << 10);
    set(CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(policy.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(policy.least_speed));
    set(CURLOPT_LOW_SPEED_TIME,
        static_cast<long>(std::chrono::ceil<std::chrono::seconds>(policy.stall_timeout).count()));
    set(CURLOPT_TIMEOUT, static_cast<long>(policy.total_timeout.count()));
    if (policy.refuse_local && !has_proxy()) {
      set(CURLOPT_PREREQFUNCTION, &CurlLine::on_connected);
      set(CURLOPT_PREREQDATA, this);
    }
  }

  void set_certificates() {
    auto const& policy = request_.policy;
    set(CURLOPT_SSL_VERIFYPEER, policy.verify_tls ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, policy.verify_tls ? 2L : 0L);
    auto const files = certificate_files(policy.certificates);
    if (files.client) {
      set(CURLOPT_SSLCERT, files.client->certificate.c_str());
      set(CURLOPT_SSLKEY, files.client->key.c_str());
    }
    if (files.authorities.empty()) return;
    std::string trusted;
    auto const* const built = curl_version_info(CURLVERSION_NOW);
    // What is given here takes the place of the system's file, but not of its directory.
    if (built->capath == nullptr && built->cainfo != nullptr) trusted = sys::read_file(built->cainfo) + '\n';
    for (auto const& file : files.authorities) trusted += sys::read_file(file) + '\n';
    curl_blob blob{trusted.data(), trusted.size(), CURL_BLOB_COPY};
    set(CURLOPT_CAINFO_BLOB, &blob);
  }

  void step() {
    if (request_.policy.stop.stop_requested()) throw Error(Errc::stopped, "request to " + origin_);
    int running = 0;
    auto result = curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (auto const* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      is_done_ = true;
      result_ = message->data.result;
    }
    constexpr int longest_wait = 200;  // milliseconds; then the stop token is looked at
    if (result == CURLM_OK && !is_done_ && buffer_.empty() && !is_paused_)
      result = curl_multi_poll(multi_.get(), nullptr, 0, longest_wait, nullptr);
    if (result != CURLM_OK) throw Error(Errc::unavailable, "request to " + origin_ + ": error of libcurl");
  }

  /// Throws what ended the transfer, unless it was its end.
  void check_result() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (result_ == CURLE_OK) return;
    std::string_view text = error_text_.data();
    bool const may_show_proxy = result_ == CURLE_COULDNT_RESOLVE_PROXY;  // with its password
    if (text.empty() || may_show_proxy) text = curl_easy_strerror(result_);
    auto const says = [&](std::string_view part) { return text.find(part) != text.npos; };
    bool const broke_off = says("SSL_ERROR_SYSCALL") || says("reset by peer");
    bool const is_refused =
        says("SSL routines") && says(" alert ");  // which TLS 1.3 tells after the handshake
    auto code = Errc::unexpected_answer;
    if (is_refused || (is_of_tls_in_curl(result_) && !broke_off))
      code = Errc::tls_failed;
    else if (is_transient_in_curl(result_) || broke_off)
      code = Errc::unavailable;
    throw Error(code, "request to " + origin_ + ", " + shown(text));
  }

  /// What an exception in a call by libcurl becomes.
  template <class Call>
  std::size_t guarded(std::size_t on_failure, Call&& call) noexcept {
    try {
      return call();
    } catch (...) {
      failure_ = std::current_exception();
      return on_failure;
    }
  }

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) {
    auto& line = *static_cast<CurlLine*>(self);
    return line.guarded(0, [&] { return line.take_header({data, size * count}); });
  }
  static std::size_t on_bytes(char* data, std::size_t size, std::size_t count, void* self) {
    auto& line = *static_cast<CurlLine*>(self);
    return line.guarded(0, [&]() -> std::size_t {
      if (!line.buffer_.empty() && line.buffer_.size() + size * count > most_buffered) {
        line.is_paused_ = true;
        return CURL_WRITEFUNC_PAUSE;
      }
      line.buffer_.append(data, size * count);
      return size * count;
    });
  }
  static std::size_t on_read(char* data, std::size_t size, std::size_t count, void* self) {
    auto& line = *static_cast<CurlLine*>(self);
    return line.guarded(CURL_READFUNC_ABORT, [&] {
      return line.request_.body.fill(std::as_writable_bytes(std::span(data, size * count)));
    });
  }
  static int on_connected(void* self, char* remote, char*, int, int) {
    auto& line = *static_cast<CurlLine*>(self);
    return static_cast<int>(line.guarded(CURL_PREREQFUNC_ABORT, [&]() -> std::size_t {
      if (place_of_host(remote) == HostPlace::anywhere) return CURL_PREREQFUNC_OK;
      throw Error(Errc::unexpected_answer, "it leads to " + line.origin_ + ", which is not on the network");
    }));
  }

  std::size_t take_header(std::string_view text) {
    auto const size = text.size();
    header_bytes_ += size;
    if (header_bytes_ > most_header_bytes)
      throw Error(Errc::over_budget, "headers of the answer of " + origin_);
    if (has_headers_) return size;  // a trailer
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    if (text.starts_with("HTTP/")) {
      headers_ = {};
      auto const digits = text.substr(std::min(text.find(' ') + 1, text.size())).substr(0, 3);
      status_ = static_cast<int>(decimal(digits).value_or(0));
    } else if (text.empty()) {
      has_headers_ = status_ >= 200;  // those below announce another answer
    } else if (auto const colon = text.find(':'); colon != text.npos) {
      headers_.add(std::string(text.substr(0, colon)), std::string(trimmed(text.substr(colon + 1))));
    }
    return size;
  }

  std::string origin_;
  std::unique_ptr<CURL, CurlDelete> easy_ = {};
  std::unique_ptr<CURLM, CurlMultiDelete> multi_ = {};
  std::unique_ptr<curl_slist, CurlDelete> sent_headers_ = {};
  std::array<char, CURL_ERROR_SIZE> error_text_ = {};
  HttpRequest request_ = {};
  HttpHeaders headers_ = {};
  std::string buffer_ = {};
  std::string given_ = {};
  int status_ = 0;
  std::size_t header_bytes_ = 0;
  CURLcode result_ = CURLE_OK;
  std::exception_ptr failure_ = {};
  bool has_headers_ = false;
  bool is_paused_ = false;
  bool is_done_ = false;
  bool is_running_ = false;
};

}  // namespace strata::oci::detail
