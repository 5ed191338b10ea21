# The arguments of `husk run` for the devices of one VM: each function makes one argument of one attribute set, and
# refuses, by a sentence, what husk would refuse. Names beside those in the patterns are errors.
{ lib, refuse }:

let
  inherit (lib) optional;

  # Paths keep to where they are on the host: "${./root.raw}" would copy the disk into the store.
  text = value: if builtins.isPath value then toString value else "${value}";

  # KEY=VALUE, unless there is no value.
  word = key: value: optional (value != null) "${key}=${toString value}";
  words = key: map (value: "${key}=${value}");

  # FIRST,WORD,... In what comes first a comma is written twice; the others cannot have one.
  join =
    what: first: others:
    let
      cut = builtins.filter (each: builtins.match "[^,]*" each == null) others;
    in
    if cut != [ ] then
      refuse "${what}: \"${builtins.head cut}\" has a comma in it, which would end it"
    else
      lib.concatStringsSep "," ([ (builtins.replaceStrings [ "," ] [ ",," ] first) ] ++ others);

  disk =
    {
      path,
      readOnly ? false,
      ephemeral ? false,
      serial ? null,
      cache ? null,
      direct ? false,
      aio ? null,
      discard ? true,
      block ? null,
      queues ? null,
      iops ? null,
      bw ? null,
    }:
    let
      file = text path;
      matches = pattern: builtins.match pattern serial != null;
      serialFits = serial == null || matches "[[:graph:]]{1,20}" && !matches ".*,.*";
    in
    if file == "" then
      refuse "a disk needs a path"
    else if !serialFits then
      refuse "the serial number of ${file} must be 1 to 20 printable characters, none of them a blank or a comma"
    else if ephemeral && readOnly then
      refuse "the disk ${file} is readOnly or ephemeral, not both"
    else if ephemeral && (direct || aio == "io_uring") then
      refuse "the disk ${file} is ephemeral, which takes neither direct nor aio = \"io_uring\""
    else
      "--disk="
      + join "the disk ${file}" file (
        optional readOnly "ro"
        ++ optional ephemeral "ephemeral"
        ++ word "serial" serial
        ++ word "cache" cache
        ++ optional direct "direct"
        ++ word "aio" aio
        ++ optional (!discard) "discard=off"
        ++ word "block" block
        ++ word "queues" queues
        ++ word "iops" iops
        ++ word "bw" bw
      );

  # Of allow= and deny= the first that fits decides: exceptions first, then what is denied, "any" at the end.
  egress =
    allow: deny:
    let
      isAny = where: where == "any";
      others = builtins.filter (where: !isAny where);
      any = key: list: optional (lib.any isAny list) "${key}=any";
    in
    words "allow" (others allow) ++ words "deny" (others deny) ++ any "allow" allow ++ any "deny" deny;

  network =
    {
      tap ? null,
      passt ? false,
      mac ? null,
      mtu ? null,
      queues ? null,
      rate ? null,
      pcap ? null,
      filter ? "strict",
      ip ? [ ],
      isolated ? false,
      peers ? [ ],
      allow ? [ ],
      deny ? [ ],
    }:
    let
      wire =
        if tap != null then
          "tap=${tap}"
        else if passt == false then
          "none"
        else if passt == true then
          "passt"
        else
          "passt=${text passt}";
    in
    if tap != null && passt != false then
      refuse "the network ${wire} is on a tap or on passt, not on both"
    else if tap != null && builtins.match "[^/:%[:space:]]{1,15}" tap == null then
      refuse "\"${tap}\" is no name of a tap: it takes 1 to 15 characters, none of them a blank, \"/\", \":\" or \"%\""
    else if isolated && peers == [ ] then
      refuse "the network ${wire} is isolated, which lets nothing through without peers"
    else if peers != [ ] && !isolated then
      refuse "the network ${wire} has peers, which go with isolated only"
    else if ip != [ ] && filter != "strict" then
      refuse "the network ${wire} has addresses (ip), which need filter = \"strict\""
    else if queues != null && queues > 1 && tap == null then
      refuse "the network ${wire} has queues, which go with a tap only"
    else if lib.any (where: where == "any") allow && lib.any (where: where == "any") deny then
      refuse "the network ${wire} both allows and denies \"any\""
    else
      "--net="
      + join "the network ${wire}" wire (
        word "mac" mac
        ++ word "mtu" mtu
        ++ word "queues" queues
        ++ word "rate" rate
        ++ optional (pcap != null) "pcap=${text pcap}"
        ++ optional (filter != "strict") "filter=${filter}"
        ++ words "ip" ip
        ++ optional isolated "isolated"
        ++ words "peer" peers
        ++ egress allow deny
      );

  # The path is the rest of the argument: its commas stay as they are.
  port =
    {
      name,
      path,
    }:
    let
      socket = text path;
    in
    if builtins.match "[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}" name == null then
      refuse "\"${name}\" is no name of a port: it takes 1 to 63 letters, digits, \".\", \"-\" and \"_\", the first of them no \".\" or \"-\""
    else if builtins.match ".{1,107}" socket == null then
      refuse "the socket of the port ${name} needs a path of 1 to 107 bytes"
    else
      "--port=name=${name},unix=${socket}";

  log =
    {
      path,
      max ? null,
      raw ? false,
    }:
    if text path == "" then
      refuse "logConsole needs a path"
    else
      "--log-console=" + join "logConsole" (text path) (word "max" max ++ optional raw "raw");

  isPathLike = value: !builtins.isAttrs value || !(value ? path);
in
{
  # Disks and the log may be paths alone.
  diskArgument = given: disk (if isPathLike given then { path = given; } else given);
  networkArgument = network;
  portArgument = port;
  logArgument = given: log (if isPathLike given then { path = given; } else given);
}
