#!/bin/bash
# What a load generator reports, and what the target has served, when a part of the generator fails.
#
#   faults.sh muster|locust killed|cut|master
#
# Two generators make 100 requests a second for 30 s, each on a network of its own. After 10 s one of them is killed, or
# cut off from its master until the end, or the master is killed. No root is needed, but `muster`, `muster-agent`,
# `locust`, `iptables`, `curl` and a kernel that permits user namespaces.
set -u
tool=$1 fault=$2 here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${FAULTS_INSIDE:-}" ]; then
    FAULTS_INSIDE=1 exec unshare --user --map-root-user --net --mount --pid --fork --mount-proc "$0" "$tool" "$fault"
fi
cd "$(mktemp -d)" && mount -t tmpfs tmpfs /run

ip link set lo up
ip link add bridge0 type bridge && ip address add 10.78.0.254/24 dev bridge0 && ip link set bridge0 up
number=1
for name in master one two; do
    ip netns add $name
    ip link add link-$name type veth peer name eth0 netns $name
    ip link set link-$name master bridge0 up
    nsenter --net=/run/netns/$name ip address add 10.78.0.$number/24 dev eth0
    nsenter --net=/run/netns/$name ip link set eth0 up
    number=$((number + 1))
done
on() { local name=$1; shift; exec nsenter --net=/run/netns/"$name" "$@"; }
served() { curl -s http://10.78.0.254:8080/_counts | grep -o '"requests": *[0-9]*' | grep -o '[0-9]*$'; }

muster target --listen 10.78.0.254:8080 > /dev/null 2>&1 &
until [ -n "$(served)" ]; do sleep 0.1; done
if [ "$tool" = locust ]; then
    (on master locust -f "$here/locustfile.py" --master --headless -u 20 -r 20 -t 30s --expect-workers 2 \
        --csv out --host http://10.78.0.254:8080 > master.log 2>&1) & master=$!
    (on one locust -f "$here/locustfile.py" --worker --master-host 10.78.0.1 > one.log 2>&1) & one=$!
    (on two locust -f "$here/locustfile.py" --worker --master-host 10.78.0.1 > two.log 2>&1) &
else
    (on master muster run http://10.78.0.254:8080/ --rate 100/s --duration 30s --agents 2 --listen 10.78.0.1:7117 \
        --insecure-cluster --json out.json > master.log 2>&1) & master=$!
    join="muster-agent --join 10.78.0.1:7117 --insecure-cluster --weight 1 --workers 1 --allow 10.78.0.254"
    (on one $join --name one > one.log 2>&1) & one=$!
    (on two $join --name two > two.log 2>&1) &
fi
until [ "$(served)" -gt 0 ]; do sleep 0.1; done
sleep 10

case $fault in
killed) kill -9 $one ;;
cut)
    nsenter --net=/run/netns/one iptables -w -A INPUT -s 10.78.0.1 -j DROP
    nsenter --net=/run/netns/master iptables -w -A INPUT -s 10.78.0.2 -j DROP
    ;;
master)
    before=$(served) && kill -9 $master && died=$(date +%s%N) last=$(date +%s%N) count=$before
    while [ $(($(date +%s%N) - died)) -lt 80000000000 ]; do
        sleep 0.1
        [ "$(served)" = "$count" ] || { count=$(served) last=$(date +%s%N); }
    done
    echo "$tool: $((count - before)) requests after the master had died, the last $(((last - died) / 1000000)) ms after"
    exit
    ;;
esac
wait $master
code=$?
sleep 2
if [ "$tool" = locust ]; then
    reported=$(grep Aggregated out_stats.csv | cut -d, -f3)
else
    reported=$(grep -o '"outcomes": *[0-9]*' out.json | grep -o '[0-9]*$')
    reported="$reported and at most $(grep -A3 '"lost": {' out.json | grep -o '"high": *[0-9]*' | grep -o '[0-9]*$') more"
fi
echo "$tool: $(served) served, $reported reported, exit code $code"
