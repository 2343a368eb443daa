#pragma once

#include "output.hpp"
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oci_storage {

/// One line of a drawn tree: an item, what it hangs on, and remarks that stand below it.
struct TreeNode {
  std::string parent;
  std::string id;
  std::vector<std::string> notes = {};
};

/// Draws items below what they hang on, children in the order given. What hangs on something that is not in the list
/// hangs on that word as a root of its own; roots with fewer children come first.
class Tree {
 public:
  explicit Tree(std::vector<TreeNode> nodes) : nodes_(std::move(nodes)) {
    for (auto const& node : nodes_) children_[node.parent].push_back(&node);
  }

  void print() const {
    std::set<std::string_view> ids;
    for (auto const& node : nodes_) ids.insert(node.id);
    std::vector<std::pair<std::size_t, std::string_view>> roots;  // fewest children first
    for (auto const& [parent, children] : children_)
      if (!ids.contains(parent)) roots.emplace_back(children.size(), parent);
    std::ranges::sort(roots);
    std::set<TreeNode const*> printed;
    for (auto const& [count, root] : roots) {
      say(root);
      print_children(root, "", printed);
    }
  }

 private:
  /// @param printed  nodes that stand in the output already: items of two kinds may have the same id
  void print_children(std::string_view id, std::string const& indent,
                      std::set<TreeNode const*>& printed) const {
    auto const found = children_.find(id);
    if (found == children_.end()) return;
    for (auto const* node : found->second) {
      if (!printed.insert(node).second) continue;
      bool const last = node == found->second.back();
      say(indent, last ? "└─" : "├─", node->id);
      auto const deeper = indent + (last ? "  " : "│ ");
      for (auto const& note : node->notes) say(deeper, note);
      print_children(node->id, deeper, printed);
    }
  }

  std::vector<TreeNode> nodes_;
  std::map<std::string_view, std::vector<TreeNode const*>> children_;
};

}  // namespace oci_storage
