#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fabric/planner.h"

namespace rhizome::fabric {

namespace {

// What costs no collection its spread comes first, or that would be mended by further moves.
bool MendsLoadOnly(const Cost& cost) { return cost.crowding <= 0 && cost.misloaded < 0 && cost.clustered <= 0; }
bool MendsLoad(const Cost& cost) { return cost.crowding <= 0 && cost.misloaded < 0; }
bool MendsCollection(const Cost& cost) { return cost.crowding <= 0 && cost.misloaded <= 0 && cost.clustered < 0; }

struct View {
  const Loads& loads;
  bool (*acceptable)(const Cost&);
  std::string what;  // for people: " of books"
};

double Surplus(const Loads& loads, MemberIndex member) {
  return static_cast<double>(loads.held[member]) - loads.fair[member];
}

class Evening {
 public:
  explicit Evening(Planner& planner) : planner_(planner), layout_(planner.layout()) {}

  void Run() {
    Balance({layout_.loads(), MendsLoadOnly, ""});
    Balance({layout_.loads(), MendsLoad, ""});
    for (const CollectionView& collection : layout_.collections()) {
      Balance({collection.loads, MendsCollection, " of " + collection.record->name});
    }
    SpreadZones();
  }

 private:
  void Balance(const View& view) {
    while (!planner_.exhausted() && BalanceOnce(view)) {
    }
  }

  // One move to the member that lacks most, or else from the one that has most too much. New members come first, so
  // that old ones do not exchange shards.
  bool BalanceOnce(const View& view) {
    const Loads& loads = view.loads;
    const std::vector<MemberIndex> order = BySurplus(loads);
    for (auto in = order.rbegin(); in != order.rend(); ++in) {
      if (!layout_.seats()[*in].receives() || loads.held[*in] >= loads.least[*in]) continue;
      for (const MemberIndex out : order) {
        if (Surplus(loads, out) > Surplus(loads, *in) && Move(out, *in, view)) return true;
      }
    }
    for (const MemberIndex out : order) {
      if (loads.held[out] <= loads.most[out] + loads.slack) continue;
      for (auto in = order.rbegin(); in != order.rend(); ++in) {
        if (Surplus(loads, *in) < Surplus(loads, out) && Move(out, *in, view)) return true;
      }
    }
    return false;
  }

  // Members that stay, those with most above their fair share first.
  std::vector<MemberIndex> BySurplus(const Loads& loads) const {
    std::vector<MemberIndex> order;
    for (MemberIndex member = 0; member < layout_.seats().size(); ++member) {
      if (layout_.seats()[member].standing == Standing::kStaying) order.push_back(member);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](MemberIndex a, MemberIndex b) { return Surplus(loads, a) > Surplus(loads, b); });
    return order;
  }

  // Moves the shard that improves most, if any is acceptable.
  bool Move(MemberIndex out, MemberIndex in, const View& view) {
    if (out == in || !layout_.seats()[in].receives() || !planner_.Admits(out) || !planner_.Admits(in)) return false;
    const auto& already = layout_.shards_of(in);
    std::optional<ShardIndex> best;
    Cost best_cost;
    for (const ShardIndex shard : layout_.shards_of(out)) {
      if (already.contains(shard) || !planner_.Free(shard)) continue;
      const Cost cost = layout_.Difference(shard, out, in);
      if (!view.acceptable(cost) || (best && !(cost < best_cost))) continue;
      best = shard;
      best_cost = cost;
    }
    if (!best) return false;
    const Loads& loads = view.loads;
    return planner_.Begin(
        {*best, out, in, ChangeCause::kBalance,
         fmt::format("{} holds {} and {} holds {}{}, where {:.1f} and {:.1f} are fair", planner_.Name(out),
                     loads.held[out], planner_.Name(in), loads.held[in], view.what, loads.fair[out], loads.fair[in])});
  }

  void SpreadZones() {
    std::map<uint32_t, size_t> receivers;  // by zone
    for (const Seat& seat : layout_.seats()) receivers[seat.zone] += seat.receives() ? 1 : 0;
    if (receivers.size() < 2) return;
    for (ShardIndex shard = 0; shard < layout_.shards().size(); ++shard) {
      if (!planner_.Free(shard)) continue;
      if (const auto out = Crowded(shard, receivers)) SpreadOne(shard, *out);
    }
  }

  // The owner to give up so that a zone with two fewer gets one; nothing when no zone has.
  std::optional<MemberIndex> Crowded(ShardIndex shard, const std::map<uint32_t, size_t>& receivers) const {
    const auto& owners = layout_.shards()[shard].owners;
    std::map<uint32_t, size_t> counts;
    for (const MemberIndex owner : owners) ++counts[layout_.seats()[owner].zone];
    std::optional<MemberIndex> out;
    const auto rank = [&](MemberIndex owner) {
      return std::make_pair(counts[layout_.seats()[owner].zone], Surplus(layout_.loads(), owner));
    };
    for (const MemberIndex owner : owners) {
      if (!out || rank(owner) > rank(*out)) out = owner;
    }
    const size_t most = counts[layout_.seats()[*out].zone];
    for (const auto& [zone, members] : receivers) {
      const size_t count = counts[zone];
      if (count + 2 <= most && members > count) return out;
    }
    return std::nullopt;
  }

  void SpreadOne(ShardIndex shard, MemberIndex out) {
    const ShardView& view = layout_.shards()[shard];
    std::vector<MemberIndex> owners = view.owners;
    const auto better = [&](MemberIndex in) { return layout_.Difference(shard, out, in).crowding < 0; };
    const auto in = planner_.chooser().Next(view.collection, view.partition, owners,
                                            [&](MemberIndex m) { return planner_.Admits(m) && better(m); });
    if (!in) {
      if (planner_.chooser().Next(view.collection, view.partition, owners, better)) planner_.Wait(shard);
      return;
    }
    planner_.Begin(
        {shard, out, in, ChangeCause::kZones,
         fmt::format("{} is in a zone with fewer of its replicas than {}'s", planner_.Name(*in), planner_.Name(out))});
  }

  Planner& planner_;
  Layout& layout_;
};

}  // namespace

void EvenOut(Planner& planner) { Evening(planner).Run(); }

}  // namespace rhizome::fabric
