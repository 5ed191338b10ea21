// The vmm's threads.
#include "sandbox/seccomp/table_rows.h"
#include "sandbox/seccomp/tables.h"

namespace husk {

using namespace table_rows;

namespace {

constexpr std::string_view kReportsViolation = "says which forbidden system call this thread dies of";

void AllowAll(ThreadTable& table, Syscall call, std::span<const int> slots, std::string_view name,
              std::string_view why) {
    for (const int slot : slots) table.Allow(call, {Fd(slot, name)}, why);
}

}  // namespace

ThreadTable VcpuTable(const VmmNumbers& numbers, int vcpu) {
    ThreadTable table("vmm: vcpu");
    table.Allow(HUSK_SYSCALL(ioctl),
                {Fd(vcpu, "own vCPU"), Request(numbers.kvm_run, "KVM_RUN"), {2, "argument", 0, ""}}, "runs the guest");
    table.Allow(HUSK_SYSCALL(ioctl), {Fd(numbers.vm, "VM"), Request(numbers.kvm_irqfd, "KVM_IRQFD")},
                "the guest masked or unmasked a pin of the IOAPIC");
    table.Allow(HUSK_SYSCALL(ioctl),
                {Fd(numbers.vm, "VM"), Request(numbers.kvm_set_gsi_routing, "KVM_SET_GSI_ROUTING")},
                "the guest aimed a pin of the IOAPIC at another vector");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.wake_console, "wake_console")},
                "the UART has output, or room for input");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.guest_ended, "guest_ended")}, "the guest powered off, or crashed");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.wake_control, "wake_control")},
                "a driver started or reset its device: the control thread tells the worker");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.uart_line, "uart_line")}, "the UART's interrupt");
    AllowAll(table, HUSK_SYSCALL(write), numbers.interrupts, "interrupt", "a device's configuration changed");
    AllowAll(table, HUSK_SYSCALL(write), numbers.doorbells, "doorbell", "a queue was notified by a trapped write");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.launcher, "launcher")}, kReportsViolation);
    AllowFutex(table, "locks of the device models, and waiting at the gate");
    AllowCommon(table);
    return table;
}

ThreadTable ControlTable(const VmmNumbers& numbers) {
    ThreadTable table("vmm: control");
    table.Allow(HUSK_SYSCALL(poll), {}, "waits for whoever has something to say");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.launcher, "launcher")}, "what the launcher asks for");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.wake_vmm, "wake_vmm")}, "the console has input, or room for output");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.guest_ended, "guest_ended")}, "the guest has ended");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.wake_control, "wake_control")}, "a vCPU wants a worker told");
    AllowAll(table, HUSK_SYSCALL(read), numbers.workers, "worker", "what a worker answers");
    AllowAll(table, HUSK_SYSCALL(read), numbers.acknowledged, "acknowledged", "counts of interrupts, at the end");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.launcher, "launcher")},
                "reports: ready, device broken, guest ended, forbidden system call");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.wake_console, "wake_console")}, "the UART took input");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.guest_ended, "guest_ended")},
                "the launcher ends the guest, or a device is stuck");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.uart_line, "uart_line")}, "the UART's interrupt");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.button_line, "button_line")}, "the power button's interrupt");
    AllowAll(table, HUSK_SYSCALL(write), numbers.workers, "worker", "starts and stops a worker");
    AllowAll(table, HUSK_SYSCALL(write), numbers.interrupts, "interrupt",
             "a device's configuration changed, or it needs a reset");
    AllowFutex(table, "locks of the device models, and opening the gate");
    table.Allow(HUSK_SYSCALL(timer_settime), {{1, "flags", 0, ""}},
                "kicks a vCPU out of KVM_RUN: the timer made for it signals its thread, and no other process");
    AllowCommon(table);
    return table;
}

}  // namespace husk
