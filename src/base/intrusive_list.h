// SPDX-License-Identifier: Apache-2.0
// A doubly linked list whose links live in its elements: joining and leaving allocate nothing and an element can leave
// without knowing its list. The list does not own; an element leaves by itself when it is destroyed.
#pragma once

#include "base/check.h"

namespace viaduct::base {

// The links of an element. A class that may be in several lists at once derives from ListHook with different tags.
template <typename Tag = void>
class ListHook {
 public:
  ListHook() = default;
  ~ListHook() { unlink(); }
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;

  bool is_linked() const { return next_ != nullptr; }
  // Leaves the list, if it is in one.
  void unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename, typename>
  friend class IntrusiveList;

  ListHook* previous_ = nullptr;
  ListHook* next_ = nullptr;
};

// A list of T, which derives from ListHook<Tag>.
template <typename T, typename Tag = void>
class IntrusiveList {
 public:
  using Hook = ListHook<Tag>;

  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  ~IntrusiveList() {
    while (!empty()) front().Hook::unlink();
    head_.next_ = head_.previous_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  // REQUIRES: !empty()
  T& front() { return static_cast<T&>(*head_.next_); }
  T& back() { return static_cast<T&>(*head_.previous_); }

  // REQUIRES: the element is in no list of this tag.
  void push_back(T& element) { insert_before(head_, element); }
  void push_front(T& element) { insert_before(*head_.next_, element); }
  // Moves all elements of `other` behind ours.
  void splice_back(IntrusiveList& other) {
    while (!other.empty()) {
      T& element = other.front();
      element.Hook::unlink();
      push_back(element);
    }
  }
  // Calls `visit(T&)` for each element; `visit` may unlink the element it is given, and no other.
  template <typename Visit>
  void for_each(Visit visit) {
    for (Hook* at = head_.next_; at != &head_;) {
      Hook* next = at->next_;
      visit(static_cast<T&>(*at));
      at = next;
    }
  }

 private:
  static void insert_before(Hook& place, Hook& element) {
    DCHECK(!element.is_linked());
    element.previous_ = place.previous_;
    element.next_ = &place;
    place.previous_->next_ = &element;
    place.previous_ = &element;
  }

  Hook head_;
};

}  // namespace viaduct::base
