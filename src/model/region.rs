//! The regions of the service (seed 001; API reference, chapter 1.1).

use serde::Serialize;

use super::Profile;
use super::words::words;
use crate::error::{Error, Result};

words! {
    /// Whose a region is: the public cloud's, or an industry's.
    Partition {
        /// The public cloud.
        Public = 1, "public";
        /// The government's cloud.
        Government = 2, "government";
        /// The cloud of finance.
        Finance = 3, "finance";
    }
}

/// A region.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Region {
    /// The identifier, such as `cn-hongkong`.
    pub id: &'static str,
    /// Whose it is.
    pub partition: Partition,
    /// The rules of its hardware.
    pub profile: Profile,
    /// Its name in English, such as `China (Hong Kong)`.
    pub name: &'static str,
    /// Its city in English.
    pub city: &'static str,
    /// Its name in Chinese.
    pub name_zh: &'static str,
    /// Its city in Chinese.
    pub city_zh: &'static str,
}

/// All 27 regions: 9 with GM hardware, 6 with FIPS hardware, 12 with none.
#[rustfmt::skip]
pub const REGIONS: &[Region] = {
    use Partition::{Finance, Government, Public};
    use Profile::{Fips, Gm, None};
    &[
        region("cn-beijing", Public, Gm, ["China (Beijing)", "Beijing", "华北2", "北京"]),
        region("cn-zhangjiakou", Public, Gm, ["China (Zhangjiakou)", "Zhangjiakou", "华北3", "张家口"]),
        region("cn-hangzhou", Public, Gm, ["China (Hangzhou)", "Hangzhou", "华东1", "杭州"]),
        region("cn-shanghai", Public, Gm, ["China (Shanghai)", "Shanghai", "华东2", "上海"]),
        region("cn-shenzhen", Public, Gm, ["China (Shenzhen)", "Shenzhen", "华南1", "深圳"]),
        region("cn-north-2-gov-1", Government, Gm, ["China North 2 Ali Gov 1", "Beijing", "华北2阿里政务云1", "北京"]),
        region("cn-hangzhou-finance", Finance, Gm, ["China East 1 Finance", "Hangzhou", "华东1（杭州金融云）", "杭州"]),
        region("cn-shanghai-finance-1", Finance, Gm, ["China East 2 Finance", "Shanghai", "华东2（上海金融云）", "上海"]),
        region("cn-shenzhen-finance-1", Finance, Gm, ["China South 1 Finance", "Shenzhen", "华南1（深圳金融云）", "深圳"]),
        region("cn-hongkong", Public, Fips, ["China (Hong Kong)", "Hong Kong", "中国香港", "香港"]),
        region("ap-southeast-1", Public, Fips, ["Singapore", "Singapore", "亚太东南1", "新加坡"]),
        region("ap-southeast-2", Public, Fips, ["Australia (Sydney)", "Sydney", "亚太东南2", "悉尼"]),
        region("ap-southeast-3", Public, Fips, ["Malaysia (Kuala Lumpur)", "Kuala Lumpur", "亚太东南3", "吉隆坡"]),
        region("ap-southeast-5", Public, Fips, ["Indonesia (Jakarta)", "Jakarta", "亚太东南5", "雅加达"]),
        region("us-east-1", Public, Fips, ["US (Virginia)", "Virginia", "美国东部1", "弗吉尼亚"]),
        region("cn-qingdao", Public, None, ["China (Qingdao)", "Qingdao", "华北1", "青岛"]),
        region("cn-huhehaote", Public, None, ["China (Hohhot)", "Hohhot", "华北5", "呼和浩特"]),
        region("cn-wulanchabu", Public, None, ["China (Ulanqab)", "Ulanqab", "华北6", "乌兰察布"]),
        region("cn-heyuan", Public, None, ["China (Heyuan)", "Heyuan", "华南2", "河源"]),
        region("cn-guangzhou", Public, None, ["China (Guangzhou)", "Guangzhou", "华南3", "广州"]),
        region("cn-chengdu", Public, None, ["China (Chengdu)", "Chengdu", "西南1", "成都"]),
        region("ap-northeast-1", Public, None, ["Japan (Tokyo)", "Tokyo", "亚太东北1", "东京"]),
        region("ap-south-1", Public, None, ["India (Mumbai)", "Mumbai", "亚太南部1", "孟买"]),
        region("eu-central-1", Public, None, ["Germany (Frankfurt)", "Frankfurt", "欧洲中部1", "法兰克福"]),
        region("eu-west-1", Public, None, ["UK (London)", "London", "英国", "伦敦"]),
        region("me-east-1", Public, None, ["UAE (Dubai)", "Dubai", "中东东部1", "迪拜"]),
        region("us-west-1", Public, None, ["US (Silicon Valley)", "Silicon Valley", "美国西部1", "硅谷"]),
    ]
};

const fn region(
    id: &'static str,
    partition: Partition,
    profile: Profile,
    [name, city, name_zh, city_zh]: [&'static str; 4],
) -> Region {
    Region { id, partition, profile, name, city, name_zh, city_zh }
}

impl Region {
    /// The region of that name; [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter)
    /// (`RegionId`) if there is none.
    pub fn find(id: &str) -> Result<&'static Self> {
        REGIONS
            .iter()
            .find(|region| region.id == id)
            .ok_or_else(|| Error::invalid("RegionId", "There is no such region."))
    }

    /// Whether it is on the Chinese mainland, which has prices of its own. Hong Kong is not.
    pub fn is_mainland(&self) -> bool {
        self.id.starts_with("cn-") && self.id != "cn-hongkong"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn twenty_seven_regions_fifteen_with_hardware() {
        let count = |is: fn(&Region) -> bool| REGIONS.iter().filter(|region| is(region)).count();
        assert_eq!(count(|region| region.profile == Profile::Gm), 9);
        assert_eq!(count(|region| region.profile == Profile::Fips), 6);
        assert_eq!(count(|region| region.profile == Profile::None), 12);
        assert_eq!(count(|region| region.partition == Partition::Government), 1);
        assert_eq!(count(|region| region.partition == Partition::Finance), 3);
        assert_eq!(count(Region::is_mainland), 15);
    }

    #[test]
    fn identifiers_and_names_are_all_different() {
        let is_different = |of: fn(&Region) -> &str| {
            assert_eq!(REGIONS.iter().map(of).collect::<BTreeSet<_>>().len(), 27);
        };
        is_different(|region| region.id);
        is_different(|region| region.name);
        is_different(|region| region.name_zh);
    }

    /// GM hardware is on the mainland, and only there; nothing else follows from an identifier.
    #[test]
    fn industries_are_served_by_gm_hardware() {
        for region in REGIONS {
            let is_industry = region.partition != Partition::Public;
            assert!(!is_industry || region.profile == Profile::Gm, "{}", region.id);
            assert!(region.profile != Profile::Gm || region.is_mainland(), "{}", region.id);
            assert!(region.profile != Profile::Fips || !region.is_mainland(), "{}", region.id);
        }
    }
}
