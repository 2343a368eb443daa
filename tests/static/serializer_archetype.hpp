#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace strata::archetype {

/// The least that is a serializer: declared, never defined.
struct Serializer {
  Serializer() = delete;
  static std::string_view name();
  static std::string_view extension();
  template <class Record>
  static std::string encode(std::span<Row<Record> const>, std::span<std::string const>);
  template <class Record>
  static Decoded<Record> decode(std::string_view);
};

/// The least that also appends.
struct Appender : Serializer {
  static std::string log_header(std::string_view);
  static std::size_t read_log_header(std::string_view, std::string_view);
  template <class Record>
  static std::string encode_put(std::string_view, Record const&);
  static std::string encode_erase(std::string_view, std::string_view);
  static std::string frame(std::span<std::string const>);
  template <class Visit>
  static std::size_t read_frames(std::string_view, Visit&&) {  // defined, as its argument may be a local type
    return 0;
  }
  static bool frame_follows(std::string_view);
  template <class Record>
  static Record decode_record(std::string_view);
};

/// The least that also passes on texts.
struct TextKeeping : Serializer {
  using TextKeeper = TextKeeping;
  using Serializer::encode;
  template <class Record>
  static std::string encode(std::span<KeptRow<Record> const>, std::span<std::string const>);
  template <class Record, class OnRecord, class OnUnreadable>
  static void decode_texts(std::string_view, OnRecord&&, OnUnreadable&&) {
  }  // defined, as its arguments may be local types
  static std::string_view id_in(std::string_view) noexcept;
  template <class Record>
  static Record read_text(std::string_view);
};
struct Heir : TextKeeping {};  // may read and write otherwise, and does not say that it keeps texts

static_assert(SerializerFor<Serializer, LayerRecord> && SerializerFor<Serializer, ImageRecord>);
static_assert(SerializerFor<Serializer, ContainerRecord> && !AppendingSerializerFor<Serializer, LayerRecord>);
static_assert(AppendingSerializerFor<Appender, LayerRecord> && AppendingSerializerFor<Appender, MountRecord>);
static_assert(TextKeepingSerializerFor<TextKeeping, LayerRecord> &&
              !TextKeepingSerializerFor<Serializer, LayerRecord>);
static_assert(SerializerFor<Heir, LayerRecord> && !TextKeepingSerializerFor<Heir, LayerRecord>);

}  // namespace strata::archetype
