#include <strata/records/image.hpp>
#include <strata/store/big_data.hpp>

#include <memory>
#include <string>
#include <string_view>

// Compiled, not linked: big data has all that it calls from its own includes, whatever else a program includes. An item of
// no more than it asks for brings no header of the store.
namespace big_data_archetype {

using namespace strata;

struct Core;

struct Traits {
  using Record = ImageRecord;
  static constexpr std::string_view kind = "image";
  static constexpr std::string_view stem = "images";
  static constexpr auto subject = Subject::image;
  static constexpr bool keeps_data_sizes = true;
  static void data_changed(Record&);
};

struct Table {
  struct Guard {
    Row<ImageRecord> by_id(std::string_view) const;
    Row<ImageRecord> get(Ref const&) const;
    Row<ImageRecord> put(ImageRecord);
    void commit(Flush);
    bool reload();
  };
  Guard read() const;
  Guard write();
};

struct Place {
  fs::path directory;
  Table& table;
  void check_writable(std::string const&) const;
};

struct Core {
  using ImageTraits = void;
  using ContainerTraits = void;
  struct Serializer {};
  struct Options {
    std::string image_store;
  };
  template <class>
  static std::string component(std::string const&);
  template <class>
  fs::path data_directory(std::string const&) const;
  Options const& options() const;
  fs::path layer_trash() const;
  Flush flush() const;
  void collect_again() noexcept;
};

struct Item {
  using Traits = big_data_archetype::Traits;
  using Core = big_data_archetype::Core;
  ImageRecord const& record() const;
  Place& place() const;
  Core& core() const;
  void renew(Row<ImageRecord>);
};

}  // namespace big_data_archetype

template class strata::BigData<big_data_archetype::Item&>;
template class strata::BigData<big_data_archetype::Item const&>;
template class strata::BigData<big_data_archetype::Item>;
