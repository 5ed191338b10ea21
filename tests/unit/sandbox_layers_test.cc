#include <gtest/gtest.h>

#include "sandbox/process/landlock.h"
#include "sandbox/process/layers.h"

namespace husk {
namespace {

TEST(Layers, EveryNameLeadsBackToItsLayer) {
    for (const Layer layer : kAllLayers) EXPECT_EQ(LayerFromName(LayerName(layer)), layer) << LayerName(layer);
}

TEST(Layers, NamesAreThoseOfTheOptions) {
    EXPECT_EQ(LayerName(Layer::kSeccomp), "seccomp");
    EXPECT_EQ(LayerName(Layer::kSELinux), "selinux");
    EXPECT_EQ(LayerName(Layer::kMdwe), "mdwe");
    EXPECT_EQ(LayerName(Layer::kMountNs), "mount-ns");
    EXPECT_EQ(LayerName(Layer::kMsrFilter), "msr-filter");
}

TEST(Layers, OtherNamesAreNone) {
    EXPECT_EQ(LayerFromName(""), std::nullopt);
    EXPECT_EQ(LayerFromName("SELinux"), std::nullopt);
    EXPECT_EQ(LayerFromName("net"), std::nullopt);
}

TEST(LayerSet, HoldsWhatWasAdded) {
    LayerSet set{Layer::kLandlock};
    set.Add(Layer::kNetNs);
    set.Remove(Layer::kLandlock);
    EXPECT_EQ(set, LayerSet{Layer::kNetNs});
    EXPECT_TRUE(set.Has(Layer::kNetNs));
    EXPECT_FALSE(set.Has(Layer::kLandlock));
    set.Remove(Layer::kNetNs);
    EXPECT_TRUE(set.Empty());
}

TEST(LayerSet, TravelsAsBitsAndDropsThoseOfNoLayer) {
    const LayerSet set{Layer::kMdwe, Layer::kMsrFilter};
    EXPECT_EQ(LayerSet::FromBits(set.Bits()), set);
    EXPECT_EQ(LayerSet::FromBits(set.Bits() | 0x8000'0000U), set);
}

TEST(LayerSet, TakesOneSetFromAnother) {
    const LayerSet set{Layer::kMdwe, Layer::kPidNs};
    EXPECT_EQ(set.And(kNamespaceLayers), LayerSet{Layer::kPidNs});
    EXPECT_EQ(set.Without(kNamespaceLayers), LayerSet{Layer::kMdwe});
}

TEST(LandlockRights, GrowWithTheAbi) {
    EXPECT_EQ(RightsOfLandlockAbi(1).file_system, 0x1fffU);
    EXPECT_EQ(RightsOfLandlockAbi(2).file_system, 0x3fffU);
    EXPECT_EQ(RightsOfLandlockAbi(3).file_system, 0x7fffU);
    EXPECT_EQ(RightsOfLandlockAbi(3).network, 0U);
    EXPECT_EQ(RightsOfLandlockAbi(4).network, 3U);
    EXPECT_EQ(RightsOfLandlockAbi(5).file_system, 0xffffU);
    EXPECT_EQ(RightsOfLandlockAbi(5).scopes, 0U);
    EXPECT_EQ(RightsOfLandlockAbi(7).scopes, 3U);
    EXPECT_EQ(RightsOfLandlockAbi(8).file_system, 0xffffU);
    EXPECT_EQ(RightsOfLandlockAbi(9).file_system, 0x1ffffU);
    EXPECT_EQ(RightsOfLandlockAbi(10).network, 0xfU);
}

TEST(LandlockRights, OfANewerAbiAreThoseThatHuskKnows) {
    EXPECT_EQ(RightsOfLandlockAbi(1000).file_system, RightsOfLandlockAbi(10).file_system);
}

}  // namespace
}  // namespace husk
