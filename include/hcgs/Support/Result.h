// Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How plain hcgs code (no LLVM, no MLIR) reports failure: a function that can
// fail returns `Result<T>`, which holds either the value or an `Error` whose
// message is ready to be shown to a user (lower case, no final stop; what was
// found, what is allowed, what to do).
//
//   Result<int> parse(std::string_view text) {
//     if (text.empty())
//       return Error{"empty number; write digits"};
//     ...
//     return value;
//   }
//
//   auto number = parse(text);
//   if (!number)
//     return number.takeError().at("field 'rows'");  // "field 'rows': empty
//     ..."
//   use(*number);
//
// No exceptions are needed or thrown, so that code built with -fno-exceptions
// can use it. Reading the value of a failed result is a bug of the caller and
// ends the process.
//
#ifndef HCGS_SUPPORT_RESULT_H
#define HCGS_SUPPORT_RESULT_H

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace hcgs {

/// Why something failed, in words for the user.
struct [[nodiscard]] Error {
  std::string message;

  /// The same error seen from further out: "where: message".
  Error at(std::string_view where) const {
    return Error{std::string(where) + ": " + message};
  }
};

/// A value of type T or an Error.
template <typename T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T>, "a result holds values");
  static_assert(!std::is_same_v<std::remove_cv_t<T>, Error>,
                "a result cannot hold an error as its value");

public:
  using value_type = T;

  Result(T value) : storage(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : storage(std::in_place_index<1>, std::move(error)) {}
  /// From whatever converts to a T: a literal for a Result<std::string>.
  template <typename U, typename = std::enable_if_t<
                            std::is_convertible_v<U &&, T> &&
                            !std::is_same_v<std::decay_t<U>, T> &&
                            !std::is_same_v<std::decay_t<U>, Error> &&
                            !std::is_same_v<std::decay_t<U>, Result>>>
  Result(U &&value) : storage(std::in_place_index<0>, std::forward<U>(value)) {}

  bool ok() const { return storage.index() == 0; }
  explicit operator bool() const { return ok(); }

  T &value() & { return *get(); }
  const T &value() const & { return *get(); }
  T &&value() && { return std::move(*get()); }
  T &operator*() & { return *get(); }
  const T &operator*() const & { return *get(); }
  T &&operator*() && { return std::move(*get()); }
  T *operator->() { return get(); }
  const T *operator->() const { return get(); }

  /// The error; only of a failed result.
  const Error &error() const {
    const Error *held = std::get_if<1>(&storage);
    if (!held)
      std::abort();
    return *held;
  }
  /// The error, moved out, to be returned further.
  Error takeError() { return Error{std::string(error().message)}; }
  const std::string &message() const { return error().message; }

private:
  T *get() {
    T *held = std::get_if<0>(&storage);
    if (!held)
      std::abort();
    return held;
  }
  const T *get() const { return const_cast<Result *>(this)->get(); }

  std::variant<T, Error> storage;
};

/// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : failure(std::move(error)) {}

  bool ok() const { return !failure.has_value(); }
  explicit operator bool() const { return ok(); }

  /// The error; only of a failed result.
  const Error &error() const {
    if (!failure)
      std::abort();
    return *failure;
  }
  Error takeError() { return Error{std::string(error().message)}; }
  const std::string &message() const { return error().message; }

private:
  std::optional<Error> failure;
};

} // namespace hcgs

#endif // HCGS_SUPPORT_RESULT_H
