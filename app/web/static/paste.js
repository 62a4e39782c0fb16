/* A picture from the clipboard: told to the page as a data address, its longer side at most 1,600 pixels. */
const WIDEST = 1600;

export default function (component) {
  const { setTriggerValue } = component;

  async function pasted(event) {
    const item = [...(event.clipboardData?.items ?? [])].find((each) => each.type.startsWith("image/"));
    const file = item?.getAsFile();
    if (!file) return;
    event.preventDefault();
    const picture = await createImageBitmap(file);
    const share = Math.min(1, WIDEST / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * share));
    canvas.height = Math.max(1, Math.round(picture.height * share));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    setTriggerValue("picture", canvas.toDataURL("image/jpeg", 0.92));
  }

  document.addEventListener("paste", pasted);
  return () => document.removeEventListener("paste", pasted);
}
