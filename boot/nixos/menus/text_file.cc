#include "boot/nixos/menus/text_file.h"

#include <span>

#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/menus/text.h"

namespace husk {

Result<std::optional<std::string>> ReadTextFile(const ByteSource& source, const Volume& volume, std::string_view path,
                                                std::size_t limit) {
    const std::string shown = menu_text::Clean(path, boot_limits::kPath);
    const std::optional<FileExtents> file = HUSK_TRY_IN(shown, volume.Find(path));
    if (!file) return std::nullopt;
    const RangesSource bytes(source, file->ranges);
    if (file->size > limit || bytes.Size() > limit)
        return Fail(ErrorKind::kBootSource, shown + ": longer than " + std::to_string(limit) + " bytes");
    std::string text(static_cast<std::size_t>(bytes.Size()), '\0');
    HUSK_TRY_IN(shown, bytes.Read(0, std::as_writable_bytes(std::span(text))));
    return text;
}

}  // namespace husk
