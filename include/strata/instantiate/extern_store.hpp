#pragma once

#include <strata/store/store.hpp>

/// Compiles the members of a store's class templates once in a program, instead of in each unit that uses them.
///
/// A header of the program composes the store and declares that they are elsewhere; one source has them. The type is
/// written out, since a name for it cannot be instantiated:
///
///     // my_store.hpp, with instantiate/extern_store.hpp
///     using MyStore = strata::Store<strata::drivers::Overlay, strata::serializers::Journal>;
///     STRATA_EXTERN_STORE(strata::Store<strata::drivers::Overlay, strata::serializers::Journal>)
///
///     // my_store.cpp, with instantiate/store.hpp
///     STRATA_INSTANTIATE_STORE(strata::Store<strata::drivers::Overlay, strata::serializers::Journal>)
///
/// Both are used outside of namespaces, where the codecs are complete types (`codec/all.hpp`). Members that are
/// templates themselves, and functions over a store (maintenance/, chunked/), are compiled where they are used.
/// `instantiate/overlay_json.hpp` is this for the store that most programs compose.
/// @param ...  a `Store`
#define STRATA_EXTERN_STORE(...) STRATA_DETAIL_STORE(extern, __VA_ARGS__)

// clang-format off
#define STRATA_DETAIL_STORE(keyword, ...)                                                                   \
  keyword template class __VA_ARGS__;                                                                       \
  keyword template class strata::Core<__VA_ARGS__::Core::Composition, __VA_ARGS__::Core::Durability>;       \
  keyword template class strata::Layers<__VA_ARGS__::Core>;                                                 \
  keyword template class strata::Images<__VA_ARGS__::Core>;                                                 \
  keyword template class strata::Containers<__VA_ARGS__::Core>;                                             \
  keyword template class strata::Collection<__VA_ARGS__::Core, __VA_ARGS__::Core::LayerTraits>;             \
  keyword template class strata::Collection<__VA_ARGS__::Core, __VA_ARGS__::Core::ImageTraits>;             \
  keyword template class strata::Collection<__VA_ARGS__::Core, __VA_ARGS__::Core::ContainerTraits>;         \
  keyword template class strata::Item<__VA_ARGS__::Core::LayerTraits>;                                      \
  keyword template class strata::Item<__VA_ARGS__::Core::ImageTraits>;                                      \
  keyword template class strata::Item<__VA_ARGS__::Core::ContainerTraits>;                                  \
  keyword template class strata::BigData<__VA_ARGS__::Layer&>;                                              \
  keyword template class strata::BigData<__VA_ARGS__::Image&>;                                              \
  keyword template class strata::BigData<__VA_ARGS__::Container&>;                                          \
  keyword template class strata::BigData<__VA_ARGS__::Layer const&>;                                        \
  keyword template class strata::BigData<__VA_ARGS__::Image const&>;                                        \
  keyword template class strata::BigData<__VA_ARGS__::Container const&>;                                    \
  keyword template class strata::BigData<__VA_ARGS__::Layer>;                                               \
  keyword template class strata::BigData<__VA_ARGS__::Image>;                                               \
  keyword template class strata::BigData<__VA_ARGS__::Container>;                                           \
  keyword template class strata::StorageLayers<__VA_ARGS__::Core>;                                          \
  keyword template class strata::MountPoint<__VA_ARGS__::Core>;                                             \
  keyword template class strata::StagedLayer<__VA_ARGS__::Core>;                                            \
  keyword template class strata::AdditionalLayer<__VA_ARGS__::Core>;
// clang-format on
