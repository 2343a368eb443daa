#pragma once

#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/timestamp.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// The members of an object, each of the type that the format gives it. A member that is null counts as absent, as in Go.
/// Refers to the object.
///
/// What a call throws is `Errc::corrupt_document`, with the place in the document: "manifest: layers[3].size: not a
/// number of bytes".
class Members {
 public:
  /// @param where  the place of the value: "manifest" or "manifest: layers[3]"
  Members(boost::json::value const& object, std::string where);

  /// The value of a member; null if it is absent.
  boost::json::value const* find(std::string_view name);
  boost::json::array const* array(std::string_view name);
  std::string text(std::string_view name);           ///< empty if absent
  std::string required_text(std::string_view name);  ///< not empty
  std::optional<std::int64_t> integer(std::string_view name);
  std::uint64_t bytes(std::string_view name);  ///< required; 0 to 2^63 - 1
  bool flag(std::string_view name);            ///< false if absent
  Digest digest(std::string_view name);        ///< required. @throws the codes of `Digest::parse`
  std::optional<Timestamp> time(std::string_view name);
  std::vector<std::string> texts(std::string_view name);               ///< a list of texts
  std::map<std::string, std::string> text_map(std::string_view name);  ///< an object of texts
  std::vector<std::string> names(std::string_view name);               ///< of an object of empty objects
  std::optional<Members> object(std::string_view name);

  /// Refuses a member whose name differs in case only from one that a call has asked for: Go's parser takes it for that one.
  void check_names() const;
  /// `check_names()`, and copies of the members that no call has asked for.
  boost::json::object unknown() const;

  /// The place of a member or of an element of a list, for errors.
  std::string where(std::string_view name) const;
  std::string where(std::string_view name, std::size_t index) const;
  std::string const& where() const noexcept { return where_; }

 private:
  [[noreturn]] void refuse(std::string_view name, char const* what) const;
  bool was_asked(std::string_view name) const;

  boost::json::object const* object_;
  std::string where_;
  std::vector<std::string> asked_ = {};
};

namespace detail {

/// A member's name as Go's parser compares it: without case, of which Unicode has two more of ASCII's letters.
std::string folded(std::string_view name);

/// @throws the codes of `Digest::parse`, with the place of the text
Digest parse_digest(std::string const& text, std::string const& where);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/members.ipp>
#endif
