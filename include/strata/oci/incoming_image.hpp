#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/oci/store_keys.hpp>
#include <strata/records/names.hpp>
#include <strata/store/options.hpp>
#include <strata/store/staged_layer.hpp>
#include <strata/timestamp.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::oci {

/// An image on its way into a store: its layers, the lowest first, then the image. Without `finish` the layers that were
/// added are removed. Movable. Not safe for concurrent use.
template <class Store>
class [[nodiscard]] IncomingImage {
 public:
  IncomingImage(Store store, ImagePlan plan)
      : store_(std::move(store)), plan_(std::move(plan)), ids_(podman_layer_ids(plan_.config.diff_ids())) {}
  /// An image whose lowest layers the store has, whatever their ids are: `base` is the uppermost of the `count` first ones.
  IncomingImage(Store store, ImagePlan plan, typename Store::Layer const& base, std::size_t count)
      : IncomingImage(std::move(store), std::move(plan)) {
    count_ = count;
    ids_[count - 1] = base.id().str();
    for (std::size_t i = count; i < ids_.size(); ++i)
      ids_[i] = podman_layer_id(ids_[i - 1], plan_.config.diff_ids()[i]);
  }
  IncomingImage(IncomingImage&&) noexcept = default;
  IncomingImage& operator=(IncomingImage&&) = delete;
  ~IncomingImage() { undo(); }

  /// Whether `take_layer` would add that layer, as the store is now. @param index  of the image's layers, the lowest is 0
  bool has_layer(std::size_t index) {
    return store_.layers().find(Ref::exactly(ids_[index])) || find_unpacked(plan_.layers[index]);
  }

  /// Adds the next layer if nothing need be brought for it: the store has it, or has the same changes over another
  /// parent, which are unpacked once more.
  /// @return false if `put_layer` must bring it
  bool take_layer(ApplyOptions const& options = {}) {
    auto const& next = plan_.layers[count_];
    if (auto const known = store_.layers().find(Ref::exactly(ids_[count_]))) {
      check(next, known->record().diff_digest);
      ++count_;
      return true;
    }
    auto const same = find_unpacked(next);
    if (!same) return false;
    try {
      auto const& blob = next.blob.digest.str();
      add_layer(same->diff_source({.compression = Compression::none, .stop = options.stop}), options,
                same->record().compressed_diff_digest == blob ? blob : std::string());
    } catch (Error const& error) {  // damaged, or removed meanwhile
      if (error.code() == Errc::stopped) throw;
      return false;
    }
    return true;
  }

  /// Adds the next layer. @param blob  its bytes, compressed or not
  /// @throws `Errc::digest_mismatch` if it unpacks to other bytes than the configuration says; as `Layers::import`
  void put_layer(Source blob, ApplyOptions const& options = {}) { add_layer(std::move(blob), options, {}); }

  /// Adds the next layer, already unpacked over the one below it. @throws as the other `put_layer`
  void put_layer(StagedLayer<typename Store::Core> staged) {
    auto const& next = plan_.layers[count_];
    auto const& id = ids_[count_];
    check(next, staged.record().diff_digest);
    auto const began = Timestamp::now();
    try {
      staged.commit({.id = id});
      added_.push_back(id);
    } catch (Error const& error) {
      if (error.code() != Errc::duplicate_id) {
        take_back_later(id, began);
        throw;
      }
      check(next, store_.layers().get(Ref::exactly(id)).record().diff_digest);  // another process was faster
    }
    ++count_;
  }

  /// Publishes the image, all of whose layers were added. One that the store has already, by the digest of its
  /// configuration, gets this manifest and name besides.
  /// @param name  taken from the image that has it; empty: none
  /// @throws `Errc::digest_mismatch` if the store has an image of that id over other layers
  typename Store::Image finish(std::string const& name = {}) {
    auto image = publish(name);
    added_.clear();
    return image;
  }

 private:
  Ref parent() const { return count_ == 0 ? Ref("") : Ref::exactly(ids_[count_ - 1]); }

  void check(PlannedLayer const& wanted, std::string const& found) const {
    if (found == wanted.diff_id.str() || found.empty()) return;
    throw Error(Errc::digest_mismatch, "layer " + std::to_string(count_) + " of the image, " +
                                           wanted.blob.digest.str() + ": unpacks to " + found +
                                           ", its configuration has " + wanted.diff_id.str());
  }

  /// @param compressed_digest  what is recorded instead of the stream's; empty: that
  void add_layer(Source blob, ApplyOptions const& options, std::string const& compressed_digest) {
    auto staged = store_.layers().stage({.parent = parent(), .stop = options.stop});
    staged.fill(std::move(blob), options);
    if (!compressed_digest.empty()) staged.set_compressed_digest(compressed_digest);
    put_layer(std::move(staged));
  }

  /// A layer with the same changes, rather one that is known to come from the same blob: the manifest alone does not prove it.
  std::optional<typename Store::Layer> find_unpacked(PlannedLayer const& wanted) {
    if (!unpacked_) {
      unpacked_.emplace();
      for (auto const& layer : store_.layers().list())
        unpacked_->try_emplace({layer.record().diff_digest, layer.record().compressed_diff_digest},
                               layer.id().str());
    }
    auto const& diff_id = wanted.diff_id.str();
    auto found = unpacked_->find({diff_id, wanted.blob.digest.str()});
    if (found == unpacked_->end()) found = unpacked_->lower_bound({diff_id, {}});
    if (found == unpacked_->end() || found->first.first != diff_id) return std::nullopt;
    return store_.layers().find(Ref::exactly(found->second));
  }

  std::vector<std::pair<std::string, std::string>> documents() const {
    std::vector<std::pair<std::string, std::string>> out;
    out.emplace_back(plan_.config.digest().str(), plan_.config.bytes());
    if (plan_.index) out.emplace_back(manifest_key(plan_.index->digest()), plan_.index->bytes());
    out.emplace_back(manifest_key(plan_.manifest.digest()), plan_.manifest.bytes());
    out.emplace_back(manifest_data, plan_.manifest.bytes());
    out.emplace_back(signature_key(plan_.manifest.digest()), std::string());
    return out;
  }

  typename Store::Image publish(std::string const& name) {
    std::string const id(plan_.config.digest().hex());
    Ref const top = count_ == 0 ? Ref("") : Ref::exactly(ids_[count_ - 1]);
    auto const metadata = boost::json::serialize(boost::json::object{
        {"signatures-sizes", boost::json::object{{plan_.manifest.digest().str(), boost::json::array{}}}}});
    auto const names = name.empty() ? names::List() : names::List{name};
    auto const known = store_.images().find(Ref::exactly(id));
    if (!known || known->read_only()) try {
        auto const digest = plan_.index ? plan_.index->digest() : plan_.manifest.digest();
        return store_.images().create({.id = id,
                                       .names = names,
                                       .take_names = true,
                                       .top_layer = top,
                                       .digest = known ? std::string() : digest.str(),
                                       .metadata = metadata,
                                       .created = plan_.config.created(),
                                       .big_data = documents()});
      } catch (Error const& error) {
        if (error.code() != Errc::duplicate_id) throw;
      }
    auto image = store_.images().get(Ref::exactly(id));
    if (image.record().top_layer != top.text())
      throw Error(Errc::digest_mismatch, "image \"" + id + "\" has another top layer")
          .about(Subject::image, id);
    for (auto const& [key, bytes] : documents()) image.big_data().set(key, bytes);
    image.set_metadata(metadata);
    if (!name.empty()) image.add_names({name});
    return image;
  }

  template <class Remove>
  static void remove_quietly(Remove&& remove) noexcept try {
    remove();
  } catch (...) {  // somebody uses it already
  }

  /// The record of a layer whose `commit` failed may be there all the same, if it was written and not flushed.
  void take_back_later(std::string const& id, Timestamp const& began) noexcept try {
    auto const there = store_.layers().find(Ref::exactly(id));
    if (there && there->record().created >= began) added_.push_back(id);
  } catch (...) {  // then it stays, whole
  }

  void undo() noexcept {
    for (; !added_.empty(); added_.pop_back())
      remove_quietly([&] { store_.layers().remove(Ref::exactly(added_.back())); });
  }

  Store store_;
  ImagePlan plan_;
  std::vector<std::string> ids_;
  std::size_t count_ = 0;                ///< layers that the store has by now
  std::vector<std::string> added_ = {};  ///< those of them that were not there before
  /// Ids of layers by the digests of what they unpack to and of what they came from.
  std::optional<std::map<std::pair<std::string, std::string>, std::string>> unpacked_ = {};
};

}  // namespace strata::oci
