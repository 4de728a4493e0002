# Stage runner, sourced by .ci/run and .ci/nightly. They set `logs`, declare their stages with `stage` and `needs`, and
# call `run_stages "$@"`. If they define `describe_run`, its output is printed first and written to run.txt in `logs`.
# shellcheck shell=bash

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)); then
    echo "error: bash 5.1 or newer is required, this is $BASH_VERSION" >&2
    exit 1
fi
# Each stage is a process group of its own, so that it can be ended with all its children.
set -m

# Time that a stage gets to end after SIGTERM. LocalStack alone takes up to 20 s.
grace_s_max=30
# Folder of the stages' output, set by the runner.
logs=
stages=()
lanes=()
# Per stage. A result is empty, `running`, PASS, FAIL, SKIPPED or INTERRUPTED.
declare -A lane summary script need product chosen began result seconds reason
# Processor seconds of all children that have ended.
processor_s=0
# Names of running stages by process id.
declare -A running

# stage NAME LANE SUMMARY COMMAND: lanes run concurrently, the stages of a lane in the order of declaration. Output of
# `main` is streamed, output of any other lane is printed as one block when the stage has ended.
stage() {
    [[ " ${lanes[*]} " = *" $2 "* ]] || lanes+=("$2")
    stages+=("$1")
    lane[$1]=$2 summary[$1]=$3 script[$1]=$4
}

# needs STAGE OTHER FILE: STAGE reads FILE, which OTHER produces.
needs() {
    need[$1]=$2 product[$1]=$3
}

usage() {
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
}

heading() { printf '\n=== %s\n' "$*"; }

choose() {
    local name
    for name in "$@"; do
        if [ -z "${script[$name]:-}" ]; then
            echo "error: unknown stage $name. The stages are: ${stages[*]}" >&2
            exit 2
        fi
        chosen[$name]=1
    done
    for name in "$@"; do
        if [ -z "${need[$name]:-}" ] || [ -n "${chosen[${need[$name]}]:-}" ]; then continue; fi
        # A stage that runs alone uses the output of an earlier run.
        if [ -e "${product[$name]}" ]; then
            echo "$name uses the existing ${product[$name]}; run the stage ${need[$name]} to rebuild it"
        else
            chosen[${need[$name]}]=1
        fi
    done
    # Without stages in the main lane, stream the output of the others.
    for name in "${!chosen[@]}"; do [ "${lane[$name]}" != main ] || return 0; done
    for name in "${!chosen[@]}"; do lane[$name]=main; done
}

show_and_log() { # STAGE
    local status=0
    set +m
    exec > >(exec tee "$logs/$1.log") 2>&1
    bash -euo pipefail -c "${script[$1]}" || status=$?
    exec >/dev/null 2>&1
    # Wait until tee has written everything, but not forever: a process that the stage left behind may keep the pipe
    # open.
    for _ in {1..20}; do
        kill -0 $! || break
        sleep 0.1
    done
    exit "$status"
}

start() { # STAGE
    local name=$1
    result[$name]=running began[$name]=$SECONDS
    if [ "${lane[$name]}" = main ]; then
        heading "$name: ${summary[$name]}"
        show_and_log "$name" </dev/null &
    else
        echo "--- $name: started"
        bash -euo pipefail -c "${script[$name]}" >"$logs/$name.log" 2>&1 </dev/null &
    fi
    running[$!]=$name
}

# Starts the next stage of a lane, unless one is running there, or the next one waits for the other lane.
start_next() {
    local name needed
    for name in "${stages[@]}"; do
        if [ "${lane[$name]}" != "$1" ] || [ -z "${chosen[$name]:-}" ]; then continue; fi
        case ${result[$name]:-} in
        '') ;;
        running) return ;;
        *) continue ;;
        esac
        needed=${need[$name]:-}
        if [ -n "$needed" ] && [ -n "${chosen[$needed]:-}" ]; then
            case ${result[$needed]:-} in
            PASS) ;;
            '' | running) return ;;
            *)
                result[$name]=SKIPPED reason[$name]="needs $needed"
                heading "$name: SKIPPED, needs $needed"
                continue
                ;;
            esac
        fi
        start "$name"
        return
    done
}

# Sets `used` to the processor seconds of children since the last call.
use_processor() {
    local total
    # Not in a subshell, where `times` would report that subshell's children.
    times >"$logs/times.txt"
    total=$(awk -F '[ms ]+' 'NR == 2 { printf "%d", $1 * 60 + $2 + $3 * 60 + $4 }' "$logs/times.txt")
    used=$((total - processor_s)) processor_s=$total
}

ended() { # PID STATUS
    local name=${running[$1]} used
    unset "running[$1]"
    use_processor
    seconds[$name]=$((SECONDS - began[$name])) result[$name]=PASS
    [ "$2" = 0 ] || result[$name]=FAIL reason[$name]="exit $2"
    # End processes that the stage left behind.
    kill -TERM -- "-$1" 2>/dev/null || true
    if [ "${lane[$name]}" != main ]; then
        heading "$name, run concurrently: ${summary[$name]}"
        cat "$logs/$name.log"
    fi
    echo "--- $name: ${result[$name]} after ${seconds[$name]} s, $used s of processor time"
}

# Prints one line, with failed stages first.
print_summary() {
    local name word line failed=() passed=()
    for name in "${stages[@]}"; do
        word="$name${seconds[$name]:+ ${seconds[$name]}s}"
        case ${result[$name]:-} in
        '') ;;
        PASS) passed+=("$word") ;;
        FAIL) failed+=("$word (${reason[$name]})") ;;
        *) failed+=("$word ${result[$name]}${reason[$name]:+ (${reason[$name]})}") ;;
        esac
    done
    [ ${#failed[@]} = 0 ] || failed[0]="FAIL ${failed[0]}"
    [ ${#passed[@]} = 0 ] || passed[0]="PASS ${passed[0]}"
    line=$(printf '%s · ' "${failed[@]}" "${passed[@]}")
    printf '\n%s\n' "${line% · }"
    [ ${#failed[@]} = 0 ]
}

# True if a process of a running stage is left. Zombies do not count.
is_any_left() {
    ps -eo pgid=,stat= |
        awk -v groups=" ${!running[*]} " 'index(groups, " " $1 " ") && $2 !~ /^Z/ { left = 1 } END { exit !left }'
}

# Ends all running stages. They get time to stop what they started outside of their process groups.
end_all() {
    local pid tenth
    # Otherwise bash would report each of them.
    disown -a
    for pid in "${!running[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
    for ((tenth = 0; tenth < grace_s_max * 10; tenth++)); do
        is_any_left || break
        sleep 0.1
    done
    for pid in "${!running[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
}

interrupted() { # STATUS
    local pid name
    trap '' INT TERM HUP
    for pid in "${!running[@]}"; do
        name=${running[$pid]}
        result[$name]=INTERRUPTED seconds[$name]=$((SECONDS - began[$name]))
    done
    echo "interrupted: ending ${running[*]}" >&2
    end_all
    running=()
    print_summary || true
    exit "$1"
}

run_stages() {
    local lane_name name pid status
    case ${1:-} in
    --help | -h)
        usage
        exit
        ;;
    --list)
        for name in "${stages[@]}"; do printf '%-13s %s\n' "$name" "${summary[$name]}"; done
        exit
        ;;
    esac
    [ $# -gt 0 ] || set -- "${stages[@]}"
    choose "$@"
    mkdir -p "$logs"
    if declare -F describe_run >/dev/null; then describe_run | tee "$logs/run.txt"; fi
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM
    trap 'interrupted 129' HUP
    trap end_all EXIT
    while
        for lane_name in "${lanes[@]}"; do start_next "$lane_name"; done
        [ ${#running[@]} -gt 0 ]
    do
        status=0
        wait -n -p pid "${!running[@]}" || status=$?
        ended "$pid" "$status"
    done
    printf '\n%s min %s s in total; the output of each stage is in %s/\n' $((SECONDS / 60)) $((SECONDS % 60)) "$logs"
    print_summary
}
