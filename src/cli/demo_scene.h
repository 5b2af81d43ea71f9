// SPDX-License-Identifier: Apache-2.0
// The scene of `viaduct demo`, as files: an old web server whose application has moved to a new one. Config,
// certificate, pages and a payment notice, all in the demo's directory. Functions; one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "cli/demo_directory.h"
#include "cli/demo_ports.h"

namespace viaduct::cli {

// Names of files in the demo's directory.
inline constexpr std::string_view kDemoConfig = "viaduct.yaml";
inline constexpr std::string_view kDemoCertificate = "cert.pem";
inline constexpr std::string_view kDemoNotice = "notice.json";
inline constexpr std::string_view kDemoAccessLog = "access.log";
inline constexpr std::string_view kDemoErrorLog = "error.log";

// The host that the scene serves, and others of its site.
inline constexpr std::string_view kDemoHost = "www.xintuxiangce.top";

// Where things are, for the config.
struct DemoScene {
  DemoPorts ports;
  std::string app_url;  // of the sample upstreams
  std::string web_url;
};

// The text of the config file.
std::string demo_config(const DemoScene& scene);
// The body of the payment notice, byte for byte.
std::string_view demo_notice();
// Writes all files. The certificate is valid from an hour before `now` for 60 days.
base::Result<void> write_demo_files(const DemoScene& scene, base::WallTime now, const DemoDirectory& directory);

}  // namespace viaduct::cli
