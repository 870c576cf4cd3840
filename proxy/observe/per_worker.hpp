// Counters of one thing, a set for each worker, made when that worker first counts: what nobody asks for
// takes no memory. One writer a set, its worker; any thread may read the sets that there are.
#pragma once

#include <atomic>
#include <cstddef>
#include <iterator>
#include <vector>

namespace sluice::observe {

template <class Counters>
class PerWorker {
  using Set = std::atomic<Counters*>;  // null: the worker has not counted yet

 public:
  class const_iterator {  // over those that there are
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Counters;
    using difference_type = std::ptrdiff_t;
    using pointer = const Counters*;
    using reference = const Counters&;

    const_iterator() = default;
    const_iterator(const Set* at, const Set* end) : at_(at), end_(end) { skip(); }
    const Counters& operator*() const { return *set_; }
    const Counters* operator->() const { return set_; }
    const_iterator& operator++() { return ++at_, skip(), *this; }
    const_iterator operator++(int) {
      const_iterator was = *this;
      ++*this;
      return was;
    }
    bool operator==(const const_iterator& other) const { return at_ == other.at_; }

   private:
    void skip() {
      while (at_ != end_ && !(set_ = at_->load(std::memory_order_acquire))) ++at_;
    }
    const Set *at_ = nullptr, *end_ = nullptr;
    const Counters* set_ = nullptr;
  };

  explicit PerWorker(std::size_t workers) : sets_(workers) {}
  PerWorker(const PerWorker&) = delete;
  PerWorker& operator=(const PerWorker&) = delete;
  ~PerWorker() {
    for (auto& set : sets_) delete set.load(std::memory_order_relaxed);
  }

  // A worker's own, for that worker.
  Counters& operator[](std::size_t worker) {
    Counters* const made = sets_[worker].load(std::memory_order_relaxed);
    return made ? *made : make(sets_[worker]);
  }
  const_iterator begin() const { return {sets_.data(), sets_.data() + sets_.size()}; }
  const_iterator end() const { return {sets_.data() + sets_.size(), sets_.data() + sets_.size()}; }
  std::size_t size() const { return sets_.size(); }  // workers

 private:
  // Who sees it sees its zeros.
  [[gnu::noinline]] static Counters& make(Set& set) {
    auto* const made = new Counters;
    set.store(made);
    return *made;
  }
  std::vector<Set> sets_;
};

}  // namespace sluice::observe
