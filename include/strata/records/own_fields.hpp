#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/records/record.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// A user's own fields in a record.
///
///     struct TeamLayer : strata::LayerRecord {
///       std::string team;
///       template <class Self, class Visitor>
///       static void own_fields(Self& self, Visitor&& visit) { visit("team", self.team); }
///     };
///
/// They are stored among the record's `flags`, under their names, since containers/storage preserves all
/// flags of a record that it changes, but no unknown keys (tested with 1.43). Any type that
/// `boost::json::value_from` and `value_to` accept will do; numbers keep 53 bits if another program rewrites
/// them. A value equal to the one in a default-constructed record is not written; a flag of that name whose value does not have the type
/// remains a flag.
namespace strata {
namespace detail {

/// A visitor for any field, for concept checks.
struct AnyField {
  void operator()(std::string_view, auto&) const {}
};

struct NamedOwnFields {
  int own_fields;
};
template <class Record>
struct WithOwnFieldsTwice : Record, NamedOwnFields {};

/// True if a record type has a member of that name, whatever it is: then the name is ambiguous beside another.
template <class Record>
concept NamesOwnFields = std::is_class_v<Record> && !std::is_final_v<Record> && !requires {
  &WithOwnFieldsTwice<Record>::own_fields;
};

}  // namespace detail

/// True if a record type has fields of its own.
template <class Record>
concept HasOwnFields = requires(Record& record, Record const& constant, detail::AnyField visit) {
  Record::own_fields(record, visit);
  Record::own_fields(constant, visit);
};

namespace detail {

/// `HasOwnFields`, for the record types of a store. A function of that name which cannot be called would leave fields
/// that nobody stores.
template <class Record>
constexpr bool keeps_own_fields() {
  static_assert(
      HasOwnFields<Record> || !NamesOwnFields<Record>,
      "own_fields of a record has to be public, static, and callable as own_fields(record, visit), also for "
      "a const record: template <class Self, class Visitor> static void own_fields(Self&, Visitor&&)");
  return HasOwnFields<Record>;
}

}  // namespace detail

/// Moves own fields out of the flags.
template <HasOwnFields Record>
void take_own_fields(Record& record);

/// Own fields as JSON, by name.
template <HasOwnFields Record>
std::map<std::string, std::string> own_texts(Record const& record);

/// A copy with own fields among the flags.
template <HasOwnFields Record>
Record with_own_flags(Record const& record);

/// Adds own fields to a serializer that does not know them. Other records pass unchanged.
template <class S>
struct OwnFieldSerializer : S {
  template <class Record>
  static std::string encode(std::span<std::shared_ptr<Record const> const> rows,
                            std::span<std::string const> unreadable) {
    if constexpr (HasOwnFields<Record>) {
      std::vector<std::shared_ptr<Record const>> flagged;
      flagged.reserve(rows.size());
      for (auto const& row : rows) flagged.push_back(std::make_shared<Record const>(with_own_flags(*row)));
      return S::encode(std::span<std::shared_ptr<Record const> const>(flagged), unreadable);
    } else {
      return S::encode(rows, unreadable);
    }
  }

  template <class Record>
  static Decoded<Record> decode(std::string_view bytes) {
    auto decoded = S::template decode<Record>(bytes);
    if constexpr (HasOwnFields<Record>)
      for (auto& record : decoded.records) take_own_fields(record);
    return decoded;
  }

  template <class Record, class OnRecord, class OnUnreadable>
  static void decode_each(std::string_view bytes, OnRecord&& on_record,
                          OnUnreadable&& on_unreadable) requires requires {
    S::template decode_each<Record>(bytes, on_record, on_unreadable);
  }
  {
    auto const taken = [&](Record&& record) {
      if constexpr (HasOwnFields<Record>) take_own_fields(record);
      on_record(std::move(record));
    };
    S::template decode_each<Record>(bytes, taken, on_unreadable);
  }

  template <class Record>
  static std::vector<Record> salvage(std::string_view bytes) requires requires {
    S::template salvage<Record>(bytes);
  }
  {
    auto records = S::template salvage<Record>(bytes);
    if constexpr (HasOwnFields<Record>)
      for (auto& record : records) take_own_fields(record);
    return records;
  }

  template <class Record>
  static std::string encode_put(std::string_view kind, Record const& record) requires requires {
    S::encode_put(kind, record);
  }
  {
    if constexpr (HasOwnFields<Record>)
      return S::encode_put(kind, with_own_flags(record));
    else
      return S::encode_put(kind, record);
  }

  template <class Record>
  static Record decode_record(std::string_view bytes) requires requires {
    S::template decode_record<Record>(bytes);
  }
  {
    auto record = S::template decode_record<Record>(bytes);
    if constexpr (HasOwnFields<Record>) take_own_fields(record);
    return record;
  }
};

/// The serializer that a store with these record types uses.
template <class S, class... Records>
using SerializerOf =
    std::conditional_t<(detail::keeps_own_fields<Records>() || ...), OwnFieldSerializer<S>, S>;

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/own_fields.hpp>
#endif
