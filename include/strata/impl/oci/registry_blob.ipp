#pragma once

#include <strata/oci/registry_blob.hpp>

#include <algorithm>
#include <utility>

namespace strata::oci {

namespace detail {

STRATA_INLINE std::optional<ContentRange> ContentRange::parse(std::string_view text) {
  text = trimmed(text);
  auto const slash = text.find('/');
  auto const dash = text.find('-');
  if (text.size() < 6 || !equal_without_case(text.substr(0, 6), "bytes ") ||
      slash == std::string_view::npos || dash == std::string_view::npos || dash > slash)
    return {};
  auto const first = decimal(trimmed(text.substr(6, dash - 6)));
  auto const last = decimal(trimmed(text.substr(dash + 1, slash - dash - 1)));
  auto const size = trimmed(text.substr(slash + 1));
  ContentRange out;
  if (!first || !last || *last < *first) return {};
  out.first = *first;
  out.last = *last;
  if (size == "*") return out;
  out.size = decimal(size);
  if (!out.size || *out.size <= out.last) return {};
  return out;
}

}  // namespace detail

STRATA_INLINE RegistryBlob::RegistryBlob(std::shared_ptr<RegistrySession> session, RegistryCall call,
                                         Descriptor const& blob, ByteRange range)
    : session_(std::move(session)),
      call_(std::move(call)),
      size_(blob.size),
      left_(range),
      waits_(session_->backoff()) {
  if (range.offset > size_ || size_ - range.offset < range.size) refuse_size("a range beyond them");
  open();
}

STRATA_INLINE void RegistryBlob::refuse_size(std::string const& found) const {
  throw Error(Errc::digest_mismatch,
              call_.subject + ": " + found + " instead of " + std::to_string(size_) + " bytes");
}

STRATA_INLINE void RegistryBlob::open() {
  auto call = call_;
  if (left_.size != size_ && left_.size != 0)
    call.headers.add("Range",
                     "bytes=" + std::to_string(left_.offset) + '-' + std::to_string(left_.end() - 1));
  auto response = session_->send(call);
  is_part_ = response.status == 206;
  skip_ = is_part_ ? 0 : left_.offset;
  if (is_part_) {
    auto const header = response.headers.find("Content-Range");
    auto const range = header ? detail::ContentRange::parse(*header) : std::nullopt;
    if (!range || range->first != left_.offset || range->last >= left_.end())
      throw Error(Errc::unexpected_answer, call_.subject + ", another range than " +
                                               std::to_string(left_.offset) + " to " +
                                               std::to_string(left_.end()));
    if (range->size && *range->size != size_) refuse_size(std::to_string(*range->size));
  } else if (response.status == 200) {
    auto const size = response.headers.content_length();
    if (size && *size != size_) refuse_size(std::to_string(*size));
  } else if (response.status == 416) {
    refuse_size("less");
  } else {
    throw session_->refused(response, call_.subject);
  }
  body_ = std::move(response.body);
}

/// The next bytes of the answer, for as long as none of them is wanted.
STRATA_INLINE Bytes RegistryBlob::read() {
  for (;;) {
    auto const part = body_.next();
    if (part.empty()) {
      auto const at = left_.offset - skip_;
      if (is_part_)  // a registry may send less than it was asked for
        throw Error(Errc::unavailable,
                    call_.subject + ", an answer that ended at byte " + std::to_string(at));
      refuse_size(std::to_string(at));
    }
    if (part.size() > skip_) return part.subspan(static_cast<std::size_t>(std::exchange(skip_, 0)));
    skip_ -= part.size();
  }
}

STRATA_INLINE void RegistryBlob::check_end() {
  auto body = std::exchange(body_, {});
  if (!body || left_.offset != size_) return;
  try {
    if (!body.next().empty()) refuse_size("more");
  } catch (Error const& error) {
    if (error.code() != Errc::unavailable) throw;  // nothing is missing
  }
}

STRATA_INLINE Bytes RegistryBlob::next() {
  constexpr std::uint64_t enough = std::uint64_t{1} << 20;
  while (left_.size != 0) {
    try {
      auto part = read();
      if (part.size() > left_.size) {
        if (left_.end() == size_) refuse_size("more");
        part = part.first(static_cast<std::size_t>(left_.size));
      }
      left_.offset += part.size();
      left_.size -= part.size();
      progress_ += part.size();
      return part;
    } catch (Error const& error) {
      if (error.code() != Errc::unavailable) throw;
      if (std::exchange(progress_, 0) >= enough) waits_.succeeded();
      body_ = {};
      if (!waits_.again()) throw with_subject(error, call_.subject);
    }
    open();
  }
  check_end();
  return {};
}

}  // namespace strata::oci
