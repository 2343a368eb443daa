#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/records/record_file.hpp>
#include <strata/records/record_log.hpp>

namespace strata {
namespace detail {

template <class Record, class S, class Lock>
struct StorageOf {
  using type = RecordFile<Record, S>;
};
template <class Record, AppendingSerializerFor<Record> S, class Lock>
struct StorageOf<Record, S, Lock> {
  using type = RecordLog<Record, S, Lock>;
};

}  // namespace detail

/// Storage of the records of one kind: the store's log if the serializer appends, otherwise a file per kind.
template <class Record, class S, class Lock = FileLock>
using RecordStorage = typename detail::StorageOf<Record, S, Lock>::type;

}  // namespace strata
