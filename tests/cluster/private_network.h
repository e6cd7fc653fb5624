// PrivateNetwork: hosts with addresses of their own, joined by one bridge, for real processes to be cut off from each
// other. Linux network namespaces; needs root, or a kernel that lets users make namespaces.
//
// The whole test process moves into a network and a mount namespace of its own, and every host has another network
// namespace. None has a name: when the last process in them is gone, however it went, so are they, their links, rules
// and mounts. So there is nothing to sweep.
//
// A cut drops packets where they arrive, without a word to the sender, as a broken cable does. The bridge has two
// addresses: one for the clients, which are never cut off, and one for coordination.
//
// Not thread-safe.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace rhizome::chaos {

// Moves the calling thread, which must be the process's only one, into namespaces of its own. FailedPrecondition says
// why that cannot be.
Status EnterOwnNamespaces();

// Runs a program to its end; `network` is a namespace's descriptor, or -1 for the caller's. Internal with what it
// printed if it fails.
Status RunTool(const std::vector<std::string>& command, int network = -1);

class PrivateNetwork {
 public:
  using Host = size_t;

  // The namespace must have been entered, and no other network be there.
  static Result<PrivateNetwork> Make();
  ~PrivateNetwork();
  PrivateNetwork(PrivateNetwork&& other) noexcept
      : made_(std::exchange(other.made_, false)), namespaces_(std::exchange(other.namespaces_, {})) {}
  PrivateNetwork& operator=(PrivateNetwork&&) = delete;

  Result<Host> AddHost();
  std::string address(Host host) const;
  static std::string client_address() { return "10.77.0.1"; }
  static std::string coordination_address() { return "10.77.0.2"; }
  // To start processes in; stays open as long as this object.
  int network_of(Host host) const { return namespaces_[host]; }

  // From now on nothing that `from` sends reaches `to`; the other way stays open. Once for each pair.
  Status CutOneWay(Host from, Host to);
  Status CutFromCoordination(Host host);
  // Both ways between each of one side and each of the other.
  Status Split(const std::vector<Host>& one, const std::vector<Host>& other);
  Status Heal();

 private:
  PrivateNetwork() = default;
  Status Drop(Host at, const std::string& source);

  bool made_ = false;
  std::vector<int> namespaces_;
  std::vector<std::pair<Host, std::string>> cuts_;  // where, and whose packets
};

}  // namespace rhizome::chaos
