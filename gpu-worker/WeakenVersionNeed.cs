using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Marks the version need GLIBCXX_3.4.32 of a shared library as weak (ELF gABI, symbol versioning: Elf64_Vernaux
/// { vna_hash u32, vna_flags u16, vna_other u16, vna_name u32, vna_next u32 }), when this machine's libstdc++ lacks
/// that version. Compiled inside MSBuild, so it uses no newer API than netstandard2.0.
/// </summary>
public class WeakenVersionNeed : Task
{
    private const uint VersionHash = 0x0297f842; // elf_hash("GLIBCXX_3.4.32")
    private const string Version = "GLIBCXX_3.4.32";
    private const ushort Weak = 2;               // VER_FLG_WEAK
    private static readonly string[] SystemLibraries =
    {
        "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/lib64/libstdc++.so.6", "/usr/lib/libstdc++.so.6",
        "/usr/lib/aarch64-linux-gnu/libstdc++.so.6",
    };

    public string Library { get; set; }

    public override bool Execute()
    {
        if (SystemHasVersion())
        {
            return true;
        }

        byte[] image = File.ReadAllBytes(Library);
        int entry = FindNeed(image);
        if (entry < 0 || BitConverter.ToUInt16(image, entry + 4) == Weak)
        {
            return true;
        }

        image[entry + 4] = (byte)Weak;
        image[entry + 5] = 0;
        string copy = Library + ".weak";
        File.WriteAllBytes(copy, image);
        File.Delete(Library);
        File.Move(copy, Library);
        Log.LogMessage(MessageImportance.Normal, Version + " marked as weak in " + Library);
        return true;
    }

    private static bool SystemHasVersion()
    {
        foreach (string path in SystemLibraries)
        {
            if (File.Exists(path))
            {
                return Encoding.ASCII.GetString(File.ReadAllBytes(path)).Contains(Version);
            }
        }

        return true; // not a layout this task knows: leave the library alone, the loader will say what is missing
    }

    /// <summary>The file offset of the Vernaux entry, found through the section of type SHT_GNU_verneed.</summary>
    private static int FindNeed(byte[] image)
    {
        if (image.Length < 64 || image[0] != 0x7f || image[1] != 'E' || image[2] != 'L' || image[3] != 'F' || image[4] != 2)
        {
            return -1;
        }

        long sections = BitConverter.ToInt64(image, 0x28);
        ushort size = BitConverter.ToUInt16(image, 0x3a);
        ushort count = BitConverter.ToUInt16(image, 0x3c);
        for (int i = 0; i < count; i++)
        {
            int header = (int)(sections + i * size);
            if (BitConverter.ToUInt32(image, header + 4) != 0x6ffffffe) // SHT_GNU_verneed
            {
                continue;
            }

            int need = (int)BitConverter.ToInt64(image, header + 0x18);
            while (true)
            {
                int aux = need + BitConverter.ToInt32(image, need + 8);
                for (int k = BitConverter.ToUInt16(image, need + 2); k > 0; k--)
                {
                    if (BitConverter.ToUInt32(image, aux) == VersionHash)
                    {
                        return aux;
                    }

                    aux += BitConverter.ToInt32(image, aux + 12);
                }

                int next = BitConverter.ToInt32(image, need + 12);
                if (next == 0)
                {
                    return -1;
                }

                need += next;
            }
        }

        return -1;
    }
}
