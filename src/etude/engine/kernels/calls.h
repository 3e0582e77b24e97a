// How XLA calls a kernel: its C interface, read into what a function takes.
//
// XLA also has an interface of templates, which says the same in fewer words; to compile it takes
// longer than all kernels together.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

#include "xla/ffi/api/c_api.h"

namespace etude {

// The threads of XLA's own pool.
class Pool {
 public:
  explicit Pool(const XLA_FFI_CallFrame* frame) : api_(frame->api), context_(frame->ctx) {}

  int64_t num_threads() const {
    int64_t found = 0;
    XLA_FFI_ThreadPool_NumThreads_Args args{XLA_FFI_ThreadPool_NumThreads_Args_STRUCT_SIZE, nullptr,
                                            context_, &found};
    return forget(api_->XLA_FFI_ThreadPool_NumThreads(&args)) ? found : 1;
  }

  // Has a thread call task() at some time, or calls it at once where there is none.
  template <typename Task>
  void schedule(Task task) const {
    auto* own = new Task(std::move(task));
    auto run = [](void* data) {
      auto* given = static_cast<Task*>(data);
      (*given)();
      delete given;
    };
    XLA_FFI_ThreadPool_Schedule_Args args{XLA_FFI_ThreadPool_Schedule_Args_STRUCT_SIZE, nullptr,
                                          context_, run, own};
    if (!forget(api_->XLA_FFI_ThreadPool_Schedule(&args))) run(own);
  }

 private:
  // Whether there was no error; it is ours to destroy.
  bool forget(XLA_FFI_Error* error) const {
    if (!error) return true;
    XLA_FFI_Error_Destroy_Args args{XLA_FFI_Error_Destroy_Args_STRUCT_SIZE, nullptr, error};
    api_->XLA_FFI_Error_Destroy(&args);
    return false;
  }

  const XLA_FFI_Api* api_;
  XLA_FFI_ExecutionContext* context_;
};

// An array of floats or truth values.
template <typename T>
class Array {
 public:
  explicit Array(const void* buffer) : buffer_(static_cast<const XLA_FFI_Buffer*>(buffer)) {
    const bool fits = buffer_->dtype == (std::is_same_v<std::remove_const_t<T>, bool>
                                             ? XLA_FFI_DataType_PRED
                                             : XLA_FFI_DataType_F32);
    if (!fits) throw std::invalid_argument("an array has another dtype than the kernel takes");
  }

  T* data() const { return static_cast<T*>(buffer_->data); }
  int64_t rank() const { return buffer_->rank; }
  int64_t size(int axis) const { return buffer_->dims[axis]; }

  int64_t count() const {
    int64_t found = 1;
    for (int64_t a = 0; a < rank(); ++a) found *= buffer_->dims[a];
    return found;
  }

  bool has(std::initializer_list<int64_t> sizes) const {
    return std::equal(buffer_->dims, buffer_->dims + rank(), sizes.begin(), sizes.end());
  }

 private:
  const XLA_FFI_Buffer* buffer_;
};

// What a kernel reads, what it may read or leave, and what it writes.
using Floats = Array<const float>;
using Mask = Array<const bool>;
using Result = Array<float>;

// Numbers in a row.
struct Numbers {
  const int64_t* first;
  int64_t count;

  int64_t operator[](int64_t i) const { return first[i]; }
};

// Settings by name.
class Settings {
 public:
  explicit Settings(const XLA_FFI_CallFrame* frame) : attrs_(frame->attrs) {}

  Numbers numbers(const char* name) const {
    const auto* array = static_cast<const XLA_FFI_Array*>(find(name, XLA_FFI_AttrType_ARRAY));
    check(array->dtype);
    return {static_cast<const int64_t*>(array->data), static_cast<int64_t>(array->size)};
  }

  int64_t number(const char* name) const {
    const auto* scalar = static_cast<const XLA_FFI_Scalar*>(find(name, XLA_FFI_AttrType_SCALAR));
    check(scalar->dtype);
    return *static_cast<const int64_t*>(scalar->value);
  }

 private:
  const void* find(const char* name, XLA_FFI_AttrType type) const {
    for (int64_t i = 0; i < attrs_.size; ++i) {
      const XLA_FFI_ByteSpan& own = *attrs_.names[i];
      const bool is_it = own.len == std::strlen(name) && !std::memcmp(own.ptr, name, own.len);
      if (is_it && attrs_.types[i] == type) return attrs_.attrs[i];
    }
    throw std::invalid_argument("a setting of the kernel is missing");
  }

  static void check(XLA_FFI_DataType dtype) {
    if (dtype != XLA_FFI_DataType_S64) throw std::invalid_argument("a setting has no 64 bits");
  }

  const XLA_FFI_Attrs& attrs_;
};

// Takes what a kernel's function asks for from a call, in order.
class Reader {
 public:
  explicit Reader(const XLA_FFI_CallFrame* frame) : frame_(frame) {}

  template <typename T>
  T next() {
    if constexpr (std::is_same_v<T, Pool> || std::is_same_v<T, Settings>) {
      return T(frame_);
    } else if constexpr (std::is_same_v<T, Result>) {
      if (results_ >= frame_->rets.size) throw std::invalid_argument("too few results");
      return T(frame_->rets.rets[results_++]);
    } else {
      if (arrays_ >= frame_->args.size) throw std::invalid_argument("too few arrays");
      return T(frame_->args.args[arrays_++]);
    }
  }

 private:
  const XLA_FFI_CallFrame* frame_;
  int64_t arrays_ = 0, results_ = 0;
};

inline XLA_FFI_Error* error(const XLA_FFI_Api* api, const char* message) {
  XLA_FFI_Error_Create_Args args{XLA_FFI_Error_Create_Args_STRUCT_SIZE, nullptr, message,
                                 XLA_FFI_Error_Code_INVALID_ARGUMENT};
  return api->XLA_FFI_Error_Create(&args);
}

// Tells XLA, which asks when a kernel is registered, by which version of the interface it was made.
inline bool is_asked_for_version(XLA_FFI_CallFrame* frame) {
  XLA_FFI_Extension_Base* asked = frame->extension_start;
  if (!asked || asked->type != XLA_FFI_Extension_Metadata) return false;
  XLA_FFI_Metadata* metadata = reinterpret_cast<XLA_FFI_Metadata_Extension*>(asked)->metadata;
  metadata->api_version = {XLA_FFI_Api_Version_STRUCT_SIZE, nullptr, XLA_FFI_API_MAJOR,
                           XLA_FFI_API_MINOR};
  return true;
}

template <typename... Ts>
XLA_FFI_Error* call(void (*kernel)(Ts...), XLA_FFI_CallFrame* frame) {
  if (is_asked_for_version(frame)) return nullptr;
  try {
    Reader reader(frame);
    std::apply(kernel, std::tuple<Ts...>{reader.next<Ts>()...});  // in braces: in order
    return nullptr;
  } catch (const std::exception& failed) {
    return error(frame->api, failed.what());
  }
}

// Makes a function one that XLA can call by a name.
#define ETUDE_KERNEL(name, function) \
  extern "C" XLA_FFI_Error* name(XLA_FFI_CallFrame* frame) { return etude::call(function, frame); }

}  // namespace etude
