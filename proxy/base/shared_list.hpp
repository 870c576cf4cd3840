// A list whose copies share their elements: one copies a thousand pointers, and what is changed in a copy is
// made its own first. Reading is that of a vector. Values; an element is read by any thread, and changed by
// the only one that has the list.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace sluice {

template <class T>
class SharedList {
 public:
  using value_type = T;

  class const_iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    const_iterator() = default;
    explicit const_iterator(const std::shared_ptr<T>* at) : at_(at) {}
    const T& operator*() const { return **at_; }
    const T* operator->() const { return at_->get(); }
    const T& operator[](std::ptrdiff_t n) const { return *at_[n]; }
    const_iterator& operator++() { return ++at_, *this; }
    const_iterator& operator--() { return --at_, *this; }
    const_iterator operator++(int) { return const_iterator(at_++); }
    const_iterator operator--(int) { return const_iterator(at_--); }
    const_iterator& operator+=(std::ptrdiff_t n) { return at_ += n, *this; }
    const_iterator& operator-=(std::ptrdiff_t n) { return at_ -= n, *this; }
    friend const_iterator operator+(const_iterator it, std::ptrdiff_t n) { return it += n; }
    friend const_iterator operator+(std::ptrdiff_t n, const_iterator it) { return it += n; }
    friend const_iterator operator-(const_iterator it, std::ptrdiff_t n) { return it -= n; }
    friend std::ptrdiff_t operator-(const_iterator a, const_iterator b) { return a.at_ - b.at_; }
    auto operator<=>(const const_iterator&) const = default;

   private:
    const std::shared_ptr<T>* at_ = nullptr;
  };

  const_iterator begin() const { return const_iterator(items_.data()); }
  const_iterator end() const { return const_iterator(items_.data() + items_.size()); }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  const T& operator[](std::size_t i) const { return *items_[i]; }
  const T& at(std::size_t i) const { return *items_.at(i); }
  const T& front() const { return *items_.front(); }
  const T& back() const { return *items_.back(); }
  // Equal ones are not looked into where they are the same.
  bool operator==(const SharedList& other) const {
    return std::equal(items_.begin(), items_.end(), other.items_.begin(), other.items_.end(),
                      [](const auto& a, const auto& b) { return a == b || *a == *b; });
  }
  // Whether element i here is the one that is j there, not merely an equal one.
  bool same(std::size_t i, const SharedList& other, std::size_t j) const {
    return items_[i] == other.items_[j];
  }

  void push_back(T item) { items_.push_back(std::make_shared<T>(std::move(item))); }
  T& emplace_back() { return *items_.emplace_back(std::make_shared<T>()); }
  void insert(std::size_t place, T item) {
    items_.insert(items_.begin() + static_cast<std::ptrdiff_t>(place), std::make_shared<T>(std::move(item)));
  }
  void erase(std::size_t place) { items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(place)); }
  void replace(std::size_t place, T item) { items_[place] = std::make_shared<T>(std::move(item)); }
  // The element i of `other`, shared with it.
  void push_shared(const SharedList& other, std::size_t i) { items_.push_back(other.items_[i]); }
  // To be changed: the list's own from here on.
  T& edit(std::size_t i) {
    if (items_[i].use_count() > 1) items_[i] = std::make_shared<T>(*items_[i]);
    return *items_[i];
  }

 private:
  std::vector<std::shared_ptr<T>> items_;
};

}  // namespace sluice
